using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>
/// What lies in an archive file beyond what keys cover: an interrupted run wrote it. Whole records are kept; from the first that is not whole on, the
/// rest is moved into a file beside it, never just overwritten (its messages are all still in the store, because no key was recorded).
/// </summary>
internal static class ArchiveTail
{
    private const int CopyBlockSize = 1 << 20;

    /// <summary>Finds whole records.</summary>
    /// <param name="file">The archive file.</param>
    /// <param name="end">Where keys end.</param>
    /// <param name="good">Where whole records end.</param>
    public static List<ArchivedRecordInfo> FindWhole(IStorageFile file, long end, out long good)
    {
        var whole = new List<ArchivedRecordInfo>();
        good = end;
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(file, end))
        {
            if (info.Offset != good || !IsWhole(file, info)) break;
            whole.Add(info);
            good += info.Length;
        }
        return whole;
    }

    /// <summary>Moves everything from <paramref name="good"/> on into <c>&lt;file&gt;.damaged-&lt;time&gt;</c>.</summary>
    /// <returns>A note for the administrator.</returns>
    public static string CutOff(IStorage storage, IStorageFile file, long good, DateTimeOffset now)
    {
        long length = file.Length - good;
        string aside = ArchivePaths.AsideOf(storage, file.Path, now);
        using (IStorageFile copy = storage.Open(aside, FileAccessKind.CreateNew))
        {
            byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
            try
            {
                int read;
                for (long at = 0; (read = file.ReadFully(block, good + at)) > 0; at += read) copy.Write(block.AsSpan(0, read), at);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(block);
            }
            copy.Flush();
        }
        storage.FlushFolder(Path.GetDirectoryName(aside)!);
        file.SetLength(good);
        file.Flush();
        return $"{file.Path}: {length} damaged bytes at offset {good}, left by an interrupted run, were moved to {aside}.";
    }

    private static bool IsWhole(IStorageFile file, ArchivedRecordInfo info)
    {
        try
        {
            ArchiveRecordReader.Verify(file, info);
            return true;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            return false;
        }
    }
}
