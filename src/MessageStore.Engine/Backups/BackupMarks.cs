using System.Text.Json;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>The first frame: what this file is.</summary>
/// <param name="Base">The set that this one stands on; none for a full one.</param>
/// <param name="Chain">Id of the full set at the bottom of the chain.</param>
/// <param name="Depth">How many sets lie below this one in the chain.</param>
internal sealed record BackupHeader(
    int Format, Guid Id, uint Salt, BackupKind Kind, BackupLink? Base, Guid Chain, int Depth, DateTimeOffset Started, string Database, DatabaseSettings Settings)
{
    public const int CurrentFormat = 2;
}

/// <summary>A set as another one names it.</summary>
/// <param name="Sha256">The digest in its trailer.</param>
/// <param name="Name">Its file name then: a hint, a set is found by its id.</param>
internal sealed record BackupLink(Guid Id, string Sha256, string Name);

/// <summary>Which groups the file holds (figure 7 at 750).</summary>
internal sealed record GroupsMark(IReadOnlyList<GroupSettings> Groups);

/// <summary>A group begins: the checkpoint whose images follow; in a set of logs, the end of the base that they continue.</summary>
/// <param name="CheckpointDigest">32 hex digits: the state after that transaction, see docs/format-segment.md.</param>
internal sealed record GroupBeginMark(
    string Name, ulong CheckpointLsn, DateTimeOffset CheckpointTime, string CheckpointDigest, IReadOnlyList<SegmentMark> Segments, long SnapshotBytes);

/// <summary>A segment as the checkpoint names it. This file holds its bytes from <paramref name="From"/> to <paramref name="Length"/>, the base those before.</summary>
internal sealed record SegmentMark(int Number, long Length, long From);

/// <summary>Which log and patch files follow (figure 7 at 780).</summary>
internal sealed record LogsMark(IReadOnlyList<LogMark> Files);

/// <summary>A log or patch file in the backup; frames name it by its place in the list.</summary>
internal sealed record LogMark(string Name, bool IsPatch, ulong FirstLsn, long Length);

/// <summary>A group is complete: the state that images, logs and patches together must come to.</summary>
/// <param name="StateDigest">32 hex digits, see docs/format-segment.md.</param>
internal sealed record GroupEndMark(ulong EndLsn, DateTimeOffset EndTime, string StateDigest, long Messages, long PatchTransactions)
{
    /// <summary>What the transactions up to the end belong to; empty where the group was never restored, and in sets of older versions.</summary>
    public IReadOnlyList<GroupHistory> Histories { get; init; } = [];
}

/// <summary>What is where: with it a reader goes to a group without reading what lies before.</summary>
/// <param name="KeysOffset">Where the first frame of the key manager's image begins; the contents' own frame where there is none.</param>
/// <param name="KeysFrame">Number of that frame.</param>
internal sealed record ContentsMark(IReadOnlyList<GroupContents> Groups, long KeysOffset, long KeysFrame);

/// <summary>A group in the contents.</summary>
/// <param name="Offset">Where its first frame begins in the file.</param>
/// <param name="Frame">Number of that frame.</param>
/// <param name="Bytes">From there to the end of its last frame.</param>
internal sealed record GroupContents(GroupBeginMark Begin, GroupEndMark End, long Offset, long Frame, long Bytes);

/// <summary>The last frame: without it the file is no backup.</summary>
/// <param name="Frames">How many frames come before it.</param>
/// <param name="Bytes">Their length.</param>
/// <param name="Sha256">Their digest (<see cref="BackupDigest"/>), lower-case hex.</param>
internal sealed record BackupTrailer(Guid Id, long Frames, long Bytes, long ContentsOffset, long Messages, long PatchTransactions, DateTimeOffset Ended, string Sha256)
{
    /// <summary>The trailer's payload is filled with spaces to this length, so that it is found from the end of the file.</summary>
    public const int PayloadLength = 4096 - IO.FrameHeader.Size;
}

/// <summary>Marks are JSON, so that a person with a hex viewer can find their way in a backup.</summary>
internal static class MarkCodec
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static byte[] Encode<T>(T mark) => JsonSerializer.SerializeToUtf8Bytes(mark, Json);

    /// <exception cref="JsonException">Not such a mark.</exception>
    public static T Decode<T>(ReadOnlySpan<byte> payload) =>
        JsonSerializer.Deserialize<T>(payload.TrimEnd((byte)' '), Json) ?? throw new JsonException("The mark is empty.");
}
