using System.Diagnostics;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>A backup goes into a pipe as well, and what comes out at the other end is the backup.</summary>
public class PipeBackupTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    [Fact]
    public void What_a_pipe_took_is_a_backup_and_does_not_count_as_the_newest_one()
    {
        using var bed = new BackupBed();
        bed.Append(50);
        bed.Storage.Put("/dev/pipe", []);
        BackupRun run = bed.BackUp(new BackupOptions { Destinations = ["/dev/pipe"], Compression = BackupCompression.Fastest });
        Assert.Equal(("/dev/pipe", true, true), (run.Copies[0].Path, run.Copies[0].IsComplete, run.Copies[0].IsStream));
        Assert.Null(bed.Group.LastBackup);
        bed.Storage.Put("/saved/x", bed.Storage.Content("/dev/pipe"));
        BackupBed.Prove(bed.Storage, "/saved/x");
        Assert.Equal(run.Bytes, bed.Storage.FileLength("/saved/x"));
    }

    [Fact]
    public void A_folder_beside_the_pipe_gets_the_same_bytes_and_counts()
    {
        using var bed = new BackupBed();
        bed.Append(20);
        bed.Storage.Put("/dev/pipe", []);
        BackupRun run = bed.BackUp(new BackupOptions { Destinations = ["/dev/pipe", "/near"] });
        Assert.Equal([true, true], run.Copies.Select(c => c.IsComplete));
        Assert.Equal([true, false], run.Copies.Select(c => c.IsStream));
        Assert.Equal(bed.Storage.Content("/dev/pipe"), bed.Storage.Content(run.Copies[1].Path));
        Assert.Equal(run.Id, bed.Group.LastBackup!.Id);
        bed.Append(5);
        bed.Storage.Put("/dev/pipe", []);
        BackupRun next = bed.BackUp(new BackupOptions { Destinations = ["/dev/pipe", "/near"], Kind = BackupKind.Incremental });
        Assert.Equal(run.Copies[1].Path, next.BasePath);
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => bed.BackUp(new BackupOptions { Destinations = ["/dev/pipe"], Kind = BackupKind.Incremental })).ErrorId);
    }

    [ToolFact("mkfifo")]
    public async Task Through_a_real_pipe_it_comes_out_whole()
    {
        using var folder = new TemporaryFolder();
        using var bed = new BackupBed();
        bed.Append(300);
        string pipe = MakePipe(folder), copy = Path.Combine(folder.Path, "copy");
        Task reading = Task.Run(() =>
        {
            using var from = new FileStream(pipe, FileMode.Open, FileAccess.Read);
            using var to = new FileStream(copy, FileMode.CreateNew);
            from.CopyTo(to);
        });
        BackupRun run = await Task.Run(() => bed.BackUp(new PipeStorage(bed.Storage), new BackupOptions { Destinations = [pipe] })).WaitAsync(Guard);
        await reading.WaitAsync(Guard);
        Assert.Equal(run.Bytes, new FileInfo(copy).Length);
        bed.Storage.Put("/saved/copy", File.ReadAllBytes(copy));
        BackupBed.Prove(bed.Storage, "/saved/copy");
    }

    [ToolFact("mkfifo")]
    public async Task A_reader_who_goes_away_is_an_error_and_one_who_never_comes_can_be_given_up()
    {
        using var folder = new TemporaryFolder();
        using var bed = new BackupBed();
        bed.Append(300);
        string pipe = MakePipe(folder);
        var options = new BackupOptions { Destinations = [pipe] };
        Task reading = Task.Run(() =>
        {
            using var from = new FileStream(pipe, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
            from.ReadExactly(new byte[1000]);
        });
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => Task.Run(() => bed.BackUp(new PipeStorage(bed.Storage), options)).WaitAsync(Guard));
        Assert.Equal(ErrorIds.DeviceFailed, error.ErrorId);
        await reading.WaitAsync(Guard);
        foreach (bool reads in (bool[])[false, true])
        {
            using var stop = new CancellationTokenSource();
            // Who has opened the pipe and does not read fills it: the writer waits in the middle.
            using FileStream? idle = reads ? new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0) : null;
            Task backup = Task.Run(() => bed.BackUp(new PipeStorage(bed.Storage), options, cancellationToken: stop.Token));
            Assert.NotSame(backup, await Task.WhenAny(backup, Task.Delay(100)));
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => backup.WaitAsync(Guard));
        }
        File.WriteAllText(Path.Combine(folder.Path, "ordinary"), "x");
        error = Assert.Throws<MessageStoreException>(() => bed.BackUp(new PipeStorage(bed.Storage), options with { Destinations = [Path.Combine(folder.Path, "ordinary")] }));
        Assert.Contains("ordinary file", error.Message, StringComparison.Ordinal);
    }

    private static string MakePipe(TemporaryFolder folder)
    {
        string pipe = Path.Combine(folder.Path, "pipe");
        using Process process = Process.Start("mkfifo", [pipe]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return pipe;
    }

    /// <summary>A disk in memory, and pipes on the real one.</summary>
    private sealed class PipeStorage(MemoryStorage disk) : IStorage
    {
        public IStorageFile Open(string path, FileAccessKind access) => (IsOurs(path) ? DiskStorage.Instance : (IStorage)disk).Open(path, access);
        public bool FileExists(string path) => IsOurs(path) || disk.FileExists(path);
        public bool FolderExists(string path) => disk.FolderExists(path);
        public void CreateFolder(string path) => disk.CreateFolder(path);
        public IReadOnlyList<string> ListFiles(string folder) => disk.ListFiles(folder);
        public IReadOnlyList<string> ListFolders(string folder) => disk.ListFolders(folder);
        public long FileLength(string path) => disk.FileLength(path);
        public void RenameFile(string from, string to) => disk.RenameFile(from, to);
        public void RenameFolder(string from, string to) => disk.RenameFolder(from, to);
        public void DeleteFile(string path) => disk.DeleteFile(path);
        public void DeleteFolder(string path) => disk.DeleteFolder(path);
        public void FlushFolder(string path) => disk.FlushFolder(path);
        public long FreeBytes(string path) => disk.FreeBytes(path);
        public IDisposable? TryLock(string path) => disk.TryLock(path);

        private static bool IsOurs(string path) => File.Exists(path);
    }
}
