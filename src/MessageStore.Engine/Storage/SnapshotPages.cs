using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>The pages of an index snapshot one by one, for somebody who reads two of them side by side.</summary>
internal sealed class SnapshotPages(SnapshotFrameReader reader, string path) : IDisposable
{
    private bool ended;

    /// <summary>The next page.</summary>
    /// <param name="entries">Its entries as they lie, valid until the next call; empty behind the last page.</param>
    /// <exception cref="MessageStoreException">StoreDamaged.</exception>
    public bool TryNext(out ReadOnlySpan<byte> entries)
    {
        entries = default;
        try
        {
            while (!ended)
            {
                FileFrameType type = reader.Next(out ReadOnlySpan<byte> payload);
                ended = type == FileFrameType.SnapshotEnd;
                if (type != FileFrameType.SnapshotPage) continue;
                entries = payload[IndexSnapshot.PageHeaderSize..];
                return true;
            }
            return false;
        }
        catch (FormatException error)
        {
            throw new MessageStoreException(ErrorIds.StoreDamaged, ErrorKind.Damaged, error.Message, path, error);
        }
    }

    public void Dispose() => reader.Dispose();
}
