using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MessageStore.IO;

/// <summary>A file on the real disk.</summary>
internal sealed partial class DiskFile(string path, SafeFileHandle handle) : IStorageFile
{
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private const int NotSupportedLinux = 95;
    private const int NotSupportedMac = 45;
    private const int FullFsync = 51;
    private const uint BeginWriteOut = 2; // SYNC_FILE_RANGE_WRITE
    private const int DontNeed = 4; // POSIX_FADV_DONTNEED
    private const nint CacheStat = 451; // SYS_cachestat, the same number on all processors, from Linux 6.5 on

    private const int OfTheFileItself = 0x1000; // AT_EMPTY_PATH
    private const uint NumberOfNames = 4; // STATX_NLINK
    private const int AttributesSize = 256; // struct statx, the same on all processors
    private const int NumberOfNamesOffset = 16;

    /// <summary>From the opening on: a file that never had a name here is of a file system that counts none.</summary>
    private readonly bool hasName = CountNames(handle) > 0;

    public string Path => path;

    public long Length => RandomAccess.GetLength(handle);

    /// <remarks>
    /// Not <see cref="RandomAccess.FlushToDisk"/>: outside Windows it says nothing when the system call fails, whatever the error, and what is not durable
    /// would be acknowledged. On Linux the data and what is needed to read it, its length for one, and not the time of the last change, which would cost
    /// a commit of the file system's own journal each time.
    /// </remarks>
    public void Flush()
    {
        Flush(handle, path);
        CheckName();
    }

    /// <inheritdoc cref="Flush()"/>
    public static void Flush(SafeFileHandle handle, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(handle);
            return;
        }
        while (Synchronize(handle) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == Interrupted) continue;
            // Pipes and other things that no flush makes durable refuse the call itself.
            if (error is InvalidArgument or NotSupportedLinux or NotSupportedMac) return;
            throw new IOException($"flush of {path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }
    }

    /// <summary>Whoever deletes a file that is in use takes all away that is still to be written to it, and the system says nothing.</summary>
    private void CheckName()
    {
        if (hasName && CountNames(handle) == 0) throw new DeletedFileException(path);
    }

    /// <returns><see langword="null"/> where the system does not say; Windows deletes no file that is open.</returns>
    private static uint? CountNames(SafeFileHandle handle)
    {
        if (!OperatingSystem.IsLinux()) return null;
        Span<byte> attributes = stackalloc byte[AttributesSize];
        return Statx(handle, "", OfTheFileItself, NumberOfNames, ref attributes[0]) == 0 ? MemoryMarshal.Read<uint>(attributes[NumberOfNamesOffset..]) : null;
    }

    public void BeginFlush(long offset, long length)
    {
        if (OperatingSystem.IsLinux()) _ = SyncFileRange(handle, offset, length, BeginWriteOut);
    }

    public void DropCache(long offset, long length)
    {
        if (OperatingSystem.IsLinux() && length > 0) _ = Advise(handle, offset, length, DontNeed);
    }

    public long? CachedBytes(long offset, long length)
    {
        if (!OperatingSystem.IsLinux() || length <= 0) return null;
        Span<long> range = [offset, length];
        Span<long> counts = stackalloc long[5]; // pages in the cache; dirty, being written, evicted, recently evicted
        return SystemCall(CacheStat, handle, ref range[0], ref counts[0], 0) == 0 ? counts[0] * Environment.SystemPageSize : null;
    }

    public void SetLength(long length) => RandomAccess.SetLength(handle, length);

    public void Dispose() => handle.Dispose();

    private static int Synchronize(SafeFileHandle handle)
    {
        if (OperatingSystem.IsLinux()) return Fdatasync(handle);
        // On a Mac only this reaches the medium; file systems that lack it have the ordinary call.
        return OperatingSystem.IsMacOS() && Fcntl(handle, FullFsync) == 0 ? 0 : Fsync(handle);
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string name, int flags, uint mask, ref byte attributes);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, SafeFileHandle file, ref long range, ref long counts, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(SafeFileHandle file, int command);
}
