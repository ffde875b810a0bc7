using System.Text.Json;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>The first frame: what this file is.</summary>
internal sealed record BackupHeader(int Format, Guid Id, uint Salt, BackupKind Kind, DateTimeOffset Started, string Database, DatabaseSettings Settings)
{
    public const int CurrentFormat = 1;
}

/// <summary>Which groups the file holds (figure 7 at 750).</summary>
internal sealed record GroupsMark(IReadOnlyList<GroupSettings> Groups);

/// <summary>A group begins: the checkpoint whose images follow.</summary>
internal sealed record GroupBeginMark(string Name, ulong CheckpointLsn, DateTimeOffset CheckpointTime, IReadOnlyList<SegmentInfo> Segments, long SnapshotBytes);

/// <summary>Which log and patch files follow (figure 7 at 780).</summary>
internal sealed record LogsMark(IReadOnlyList<LogMark> Files);

/// <summary>A log or patch file in the backup; frames name it by its place in the list.</summary>
internal sealed record LogMark(string Name, bool IsPatch, ulong FirstLsn, long Length);

/// <summary>A group is complete: the state that images, logs and patches together must come to.</summary>
/// <param name="StateDigest">32 hex digits, see docs/format-segment.md.</param>
internal sealed record GroupEndMark(ulong EndLsn, DateTimeOffset EndTime, string StateDigest, long Messages, long PatchTransactions);

/// <summary>The last frame: without it the file is no backup.</summary>
/// <param name="Sha256">Of every byte of the file before the trailer's frame, lower-case hex.</param>
internal sealed record BackupTrailer(Guid Id, long Frames, long Bytes, long Messages, long PatchTransactions, IReadOnlyList<string> Groups, DateTimeOffset Ended, string Sha256)
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
