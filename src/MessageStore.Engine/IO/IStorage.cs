namespace MessageStore.IO;

/// <summary>How a file is opened.</summary>
public enum FileAccessKind
{
    /// <summary>Reading only; the file must exist.</summary>
    Read,
    /// <summary>Reading and writing; the file must exist.</summary>
    ReadWrite,
    /// <summary>Reading and writing; the file must not exist.</summary>
    CreateNew,
    /// <summary>Reading and writing; what was there is gone.</summary>
    CreateOrTruncate,
    /// <summary>Writing from front to back into a pipe or a device, which must exist; waits until somebody reads. An ordinary file is refused.</summary>
    Pipe,
    /// <summary>Reading and writing of a pipe or a device; neither opening nor reading waits for anybody.</summary>
    BothEnds,
}

/// <summary>
/// The one door to a disk. Everything in the engine that touches files goes through it, so that the same code runs on a real disk
/// (<see cref="DiskStorage"/>) and on a fault-injecting one in tests.
/// </summary>
/// <remarks>
/// Durability contract, the weakest that a real file system gives: a write is durable after <see cref="IStorageFile.Flush"/> of
/// that file returned; a created, renamed or deleted name is durable after <see cref="FlushFolder"/> of its folder returned. Nothing else
/// is promised, in no order. Errors are <see cref="IOException"/> and <see cref="UnauthorizedAccessException"/> as .NET raises them;
/// <see cref="StorageErrors.Wrap"/> turns them into <see cref="MessageStoreException"/> where they leave the engine.
/// All members are thread-safe; paths are absolute.
/// </remarks>
public interface IStorage
{
    /// <exception cref="FileNotFoundException">The file must exist and does not.</exception>
    /// <exception cref="IOException">The file exists and must not, or the device failed.</exception>
    IStorageFile Open(string path, FileAccessKind access);

    bool FileExists(string path);

    bool FolderExists(string path);

    /// <summary>Creates a folder and its parents. No error where it exists already.</summary>
    void CreateFolder(string path);

    /// <summary>Full paths of the files directly in a folder, in ordinal order; empty where the folder does not exist.</summary>
    IReadOnlyList<string> ListFiles(string folder);

    /// <summary>Full paths of the folders directly in a folder, in ordinal order; empty where the folder does not exist.</summary>
    IReadOnlyList<string> ListFolders(string folder);

    /// <summary>Length in bytes.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    long FileLength(string path);

    /// <summary>Renames a file, replacing <paramref name="to"/> atomically where it exists.</summary>
    void RenameFile(string from, string to);

    /// <summary>Renames a folder; <paramref name="to"/> must not exist.</summary>
    void RenameFolder(string from, string to);

    /// <summary>Deletes a file. No error where there is none.</summary>
    void DeleteFile(string path);

    /// <summary>Deletes a folder with all that is in it. No error where there is none.</summary>
    void DeleteFolder(string path);

    /// <summary>Makes names created, renamed or deleted in this folder durable.</summary>
    void FlushFolder(string path);

    /// <summary>Bytes that an unprivileged user may still write to the device that holds <paramref name="path"/>.</summary>
    long FreeBytes(string path);

    /// <summary>Whether nobody but its owner, and whoever rules the machine, may read or change a file. Always so where the system knows no modes of files.</summary>
    bool IsPrivate(string path) => true;

    /// <summary>
    /// Takes an exclusive lock that the operating system gives back when the process ends, however it ends.
    /// </summary>
    /// <returns>The lock, or <see langword="null"/> where somebody else holds it.</returns>
    IDisposable? TryLock(string path);
}
