using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Tests.Storage;

/// <summary>One process owns a database at a time.</summary>
public sealed class OwnerLockTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "messagestore-" + Guid.NewGuid().ToString("n"));

    public OwnerLockTests() => new DatabaseCreation(DiskStorage.Instance, new MessageDatabaseOptions { Path = folder }, TimeProvider.System).Run();

    private string LockPath => Path.Combine(folder, MailDatabase.LockFileName);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_second_opening_in_the_same_process_is_refused_and_names_the_owner()
    {
        using (MailDatabase.Open(DiskStorage.Instance, folder, new GroupOptions())) Refused(Environment.ProcessId);
        using MailDatabase again = MailDatabase.Open(DiskStorage.Instance, folder, new GroupOptions());
        Assert.False(File.Exists(LockPath + ".json.tmp"));
    }

    [Fact]
    public void An_opening_while_another_process_owns_it_is_refused_and_names_that_process()
    {
        if (!OperatingSystem.IsLinux()) return; // flock(1) plays the other process
        using Process? other = HoldLock();
        if (other is null) return;
        try
        {
            File.WriteAllBytes(LockPath + ".json", JsonSerializer.SerializeToUtf8Bytes(new LockOwner(other.Id, "flock", "here", DateTimeOffset.UtcNow, "database")));
            Refused(other.Id);
            Assert.True(OwnerLock.IsHeld(DiskStorage.Instance, LockPath));
        }
        finally
        {
            other.Kill(entireProcessTree: true);
            other.WaitForExit();
        }
        // It died without a word: lock file and note are still there and mean nothing.
        Assert.True(File.Exists(LockPath) && File.Exists(LockPath + ".json"));
        using MailDatabase mine = MailDatabase.Open(DiskStorage.Instance, folder, new GroupOptions());
        Assert.Equal(Environment.ProcessId, OwnerLock.Describe(DiskStorage.Instance, LockPath)!.ProcessId);
    }

    [Fact]
    public async Task Whoever_looks_never_keeps_the_owner_out_and_always_learns_who_it_is()
    {
        using var stop = new CancellationTokenSource();
        int met = 0;
        Task looking = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    OwnerLock.ThrowIfHeld(DiskStorage.Instance, LockPath, owner => new MessageStoreException(ErrorIds.MaintenanceRunning, ErrorKind.Busy, $"{owner?.ProcessId}"));
                }
                catch (MessageStoreException error)
                {
                    Assert.Equal($"{Environment.ProcessId}", error.Message);
                    Interlocked.Increment(ref met);
                }
            }
        });
        for (int i = 0; i < 300; i++)
        {
            using OwnerLock mine = OwnerLock.Take(DiskStorage.Instance, LockPath, "test", TimeProvider.System, _ => throw new InvalidOperationException("kept out by one who only looked"));
            int before = Volatile.Read(ref met);
            while (i % 10 == 0 && Volatile.Read(ref met) == before && !looking.IsCompleted) await Task.Yield();
        }
        await stop.CancelAsync();
        await looking;
        Assert.True(met >= 30);
    }

    [Fact]
    public void The_lock_file_and_note_of_a_dead_process_are_no_obstacle()
    {
        File.WriteAllBytes(LockPath, []);
        File.WriteAllText(LockPath + ".json", "{ half a no");
        Assert.False(OwnerLock.IsHeld(DiskStorage.Instance, LockPath));
        using MailDatabase mine = MailDatabase.Open(DiskStorage.Instance, folder, new GroupOptions());
        Assert.True(OwnerLock.IsHeld(DiskStorage.Instance, LockPath));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("{\"format\":1,\"databaseId\":\"0193e6a0-0000-7000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00Z\",\"storePath\":null,\"logPath\":\"l\",\"backupPath\":\"b\",\"archivePath\":\"a\",\"storageGroups\":[{\"name\":\"a\",\"folder\":\"a\",\"salt\":1}]}")]
    [InlineData("{\"format\":1,\"databaseId\":\"0193e6a0-0000-7000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00Z\",\"storePath\":\"s\",\"logPath\":\"l\",\"backupPath\":\"b\",\"archivePath\":\"a\",\"storageGroups\":[null]}")]
    public void Damaged_settings_are_said_to_be_damaged(string content)
    {
        File.WriteAllText(Path.Combine(folder, DatabaseSettings.FileName), content);
        Assert.Equal(ErrorIds.DatabaseDamaged, Assert.Throws<MessageStoreException>(() => MailDatabase.Open(DiskStorage.Instance, folder, new GroupOptions())).ErrorId);
    }

    private void Refused(int owner)
    {
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => MailDatabase.Open(DiskStorage.Instance, folder, new GroupOptions()));
        Assert.Equal(ErrorIds.DatabaseInUse, error.ErrorId);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"process {owner} "), error.Message, StringComparison.Ordinal);
    }

    /// <summary>A process that has the lock by the time this returns.</summary>
    private Process? HoldLock()
    {
        try
        {
            var start = new ProcessStartInfo("flock") { RedirectStandardOutput = true };
            foreach (string argument in (string[])["-x", "-F", LockPath, "sh", "-c", "echo held; exec sleep 600"]) start.ArgumentList.Add(argument);
            Process process = Process.Start(start)!;
            Assert.Equal("held", process.StandardOutput.ReadLine());
            return process;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // no flock(1) here
        }
    }
}
