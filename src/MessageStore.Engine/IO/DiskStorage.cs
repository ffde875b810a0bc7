using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MessageStore.IO;

/// <summary>The real disk.</summary>
public sealed partial class DiskStorage : IStorage
{
    private const int WouldBlockLinux = 11;
    private const int WouldBlockMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockViolation = unchecked((int)0x80070021);
    private const UnixFileMode OpenToOthers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const int BadDescriptor = 9;
    private const int InvalidArgument = 22;

    public static DiskStorage Instance { get; } = new();

    public IStorageFile Open(string path, FileAccessKind access)
    {
        if (access is FileAccessKind.Pipe or FileAccessKind.BothEnds) return new DiskPipe(path, access == FileAccessKind.Pipe ? FileAccess.Write : FileAccess.ReadWrite);
        FileMode mode = access switch
        {
            FileAccessKind.CreateNew => FileMode.CreateNew,
            FileAccessKind.CreateOrTruncate => FileMode.Create,
            _ => FileMode.Open,
        };
        FileAccess right = access == FileAccessKind.Read ? FileAccess.Read : FileAccess.ReadWrite;
        SafeFileHandle handle = File.OpenHandle(path, mode, right, FileShare.ReadWrite | FileShare.Delete, FileOptions.None);
        return new DiskFile(path, handle);
    }

    public bool FileExists(string path) => File.Exists(path);

    public bool FolderExists(string path) => Directory.Exists(path);

    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    public IReadOnlyList<string> ListFiles(string folder) => List(folder, Directory.GetFiles);

    public IReadOnlyList<string> ListFolders(string folder) => List(folder, Directory.GetDirectories);

    public long FileLength(string path) => new FileInfo(path).Length;

    public void RenameFile(string from, string to) => File.Move(from, to, overwrite: true);

    public void RenameFolder(string from, string to) => Directory.Move(from, to);

    public void DeleteFile(string path)
    {
        if (File.Exists(path)) File.Delete(path);
    }

    public void DeleteFolder(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    /// <remarks>Windows makes names durable with the file itself and has no such call for folders.</remarks>
    public void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        int descriptor = OpenFolder(path, 0);
        if (descriptor < 0) throw Failure(path, "open");
        try
        {
            // Network file systems that make names durable by themselves refuse the call for folders.
            if (Fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() is not (BadDescriptor or InvalidArgument)) throw Failure(path, "fsync");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    public long FreeBytes(string path) => new DriveInfo(Path.GetFullPath(path)).AvailableFreeSpace;

    public bool IsPrivate(string path) => OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & OpenToOthers) == 0;

    public IDisposable? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException))
        {
            // Only "somebody else has it" means that; a read-only or failing disk is another matter.
            if (error.HResult is WouldBlockLinux or WouldBlockMac or SharingViolation or LockViolation) return null;
            throw;
        }
    }

    private static string[] List(string folder, Func<string, string[]> list)
    {
        if (!Directory.Exists(folder)) return [];
        string[] names = list(folder);
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    private static IOException Failure(string path, string call)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of {path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
