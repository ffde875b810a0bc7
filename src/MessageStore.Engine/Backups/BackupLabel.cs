using System.Text.Json;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>What a listing, a chain or a removal needs to know of a backup file: from its header, contents and trailer, or from the label of its layer. Nothing in between is looked at.</summary>
/// <param name="Bytes">Length of the frames, the trailer included.</param>
/// <param name="Sha256">The digest in the trailer.</param>
internal sealed record BackupLabel(
    Guid Id, BackupKind Kind, BackupLink? Base, Guid Chain, int Depth, DateTimeOffset Started, DateTimeOffset Ended, string Database, Guid DatabaseId,
    long Messages, long PatchTransactions, long Bytes, string Sha256, IReadOnlyList<LabelledGroup> Groups)
{
    public static BackupLabel Of(BackupReader reader) => Of(reader.Header, reader.Trailer, reader.Contents.Groups);

    public static BackupLabel Of(BackupHeader header, BackupTrailer trailer, IReadOnlyList<GroupContents> groups) => new(
        header.Id, header.Kind, header.Base, header.Chain, header.Depth, header.Started, trailer.Ended, header.Database, header.Settings.DatabaseId,
        trailer.Messages, trailer.PatchTransactions, trailer.Bytes + FrameHeader.FrameLength(BackupTrailer.PayloadLength), trailer.Sha256,
        [.. groups.Select(g => new LabelledGroup(g.Begin.Name, g.Begin.CheckpointLsn, g.Begin.CheckpointTime, g.End.EndLsn, g.End.EndTime, g.End.StateDigest))]);

    /// <summary>Reads the label of a file; where it is encrypted no key is needed.</summary>
    /// <exception cref="MessageStoreException">Whatever is wrong with the file.</exception>
    public static BackupLabel Read(IStorage storage, string path) => BackupFile.ReadLabel(storage, path) ?? ReadFrames(storage, path);

    /// <summary>The label as a layer has it.</summary>
    public byte[] Encode() => MarkCodec.Encode(this);

    /// <exception cref="MessageStoreException">BackupDamaged: it cannot be read, or is that of another set.</exception>
    public static BackupLabel Decode(ReadOnlySpan<byte> text, Guid id, string path, long offset)
    {
        try
        {
            BackupLabel label = MarkCodec.Decode<BackupLabel>(text);
            return label.Id == id ? label : throw LayerFile.Damaged(path, offset, "its label belongs to another backup");
        }
        catch (JsonException error)
        {
            throw LayerFile.Damaged(path, offset, $"its label cannot be read ({error.Message})");
        }
    }

    /// <summary>How another set names this one.</summary>
    public BackupLink Link(string path) => new(Id, Sha256, Path.GetFileName(path));

    public LabelledGroup? Group(string name) => Groups.FirstOrDefault(g => g.Name == name);

    public bool Is(BackupLink link) => Id == link.Id && Sha256 == link.Sha256;

    private static BackupLabel ReadFrames(IStorage storage, string path)
    {
        using var reader = new BackupReader(storage, path, null);
        return Of(reader);
    }
}

/// <summary>A storage group on a label.</summary>
internal sealed record LabelledGroup(string Name, ulong CheckpointLsn, DateTimeOffset CheckpointTime, ulong EndLsn, DateTimeOffset EndTime, string StateDigest);
