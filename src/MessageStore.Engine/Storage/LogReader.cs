using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// The frames of a log file for replay. What the checkpoint holds need not be readable any more: damage among such transactions is passed over, up to the first that is
/// whole and not later than the one that follows the checkpoint (docs/recovery-table.md, row 16).
/// </summary>
internal sealed class LogReader(IStorageFile file, uint salt, long offset, ulong firstLsn, ulong checkpointLsn) : IDisposable
{
    private FrameReader reader = new(file, salt, offset, firstLsn);

    /// <summary>What was passed over, for people; empty for nothing.</summary>
    public string Note { get; private set; } = "";

    /// <inheritdoc cref="FrameReader.FrameOffset"/>
    public long FrameOffset => reader.FrameOffset;

    /// <inheritdoc cref="FrameReader.ExpectedLsn"/>
    public ulong ExpectedLsn => reader.ExpectedLsn;

    /// <inheritdoc cref="FrameReader.End"/>
    public FrameEnd End => reader.End;

    /// <inheritdoc cref="FrameReader.TryRead"/>
    public bool TryRead(out FrameHeader header, out ReadOnlySpan<byte> payload)
    {
        while (!reader.TryRead(out header, out payload))
        {
            if (reader.End.Kind != FrameEndKind.Damaged || reader.ExpectedLsn > checkpointLsn || !TryPassOver()) return false;
        }
        return true;
    }

    public void Dispose() => reader.Dispose();

    /// <summary>Goes on behind the damage, where a frame is found that leaves no transaction out that the checkpoint lacks.</summary>
    private bool TryPassOver()
    {
        FrameEnd damage = reader.End;
        if (FrameScanner.FindNext(file, salt, damage.Offset + FrameHeader.Alignment, damage.Lsn + 1) is not { } next || next.Header.Lsn > checkpointLsn + 1) return false;
        reader.Dispose();
        reader = new FrameReader(file, salt, next.Offset, next.Header.Lsn);
        Note = $"{file.Path} is damaged at offset {damage.Offset}; the checkpoint holds what was there, up to transaction {next.Header.Lsn - 1}. Back up: earlier backups cannot be replayed across it.";
        return true;
    }
}
