using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>What a listing, a chain or a removal needs to know of a backup file: from its header, contents and trailer. Nothing in between is looked at.</summary>
/// <param name="Bytes">Length of the frames, the trailer included.</param>
/// <param name="Sha256">The digest in the trailer.</param>
internal sealed record BackupLabel(
    Guid Id, BackupKind Kind, BackupLink? Base, Guid Chain, int Depth, DateTimeOffset Started, DateTimeOffset Ended, string Database, Guid DatabaseId,
    long Messages, long PatchTransactions, long Bytes, string Sha256, IReadOnlyList<LabelledGroup> Groups)
{
    public static BackupLabel Of(BackupReader reader) => new(
        reader.Header.Id, reader.Header.Kind, reader.Header.Base, reader.Header.Chain, reader.Header.Depth, reader.Header.Started, reader.Trailer.Ended,
        reader.Header.Database, reader.Header.Settings.DatabaseId, reader.Trailer.Messages, reader.Trailer.PatchTransactions, reader.Length, reader.Trailer.Sha256,
        [.. reader.Contents.Groups.Select(g => new LabelledGroup(g.Begin.Name, g.Begin.CheckpointLsn, g.Begin.CheckpointTime, g.End.EndLsn, g.End.EndTime, g.End.StateDigest))]);

    /// <exception cref="MessageStoreException">Whatever is wrong with the file.</exception>
    public static BackupLabel Read(IStorage storage, string path)
    {
        using var reader = new BackupReader(storage, path);
        return Of(reader);
    }

    /// <summary>How another set names this one.</summary>
    public BackupLink Link(string path) => new(Id, Sha256, Path.GetFileName(path));

    public LabelledGroup? Group(string name) => Groups.FirstOrDefault(g => g.Name == name);

    public bool Is(BackupLink link) => Id == link.Id && Sha256 == link.Sha256;
}

/// <summary>A storage group on a label.</summary>
internal sealed record LabelledGroup(string Name, ulong CheckpointLsn, DateTimeOffset CheckpointTime, ulong EndLsn, DateTimeOffset EndTime, string StateDigest);
