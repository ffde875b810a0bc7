using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using MessageStore.IO;
using MessageStore.Remote;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>Starting and stopping storage nodes on this machine. A node is known by its units: whoever holds a unit's lock serves it.</summary>
public static partial class StorageNodeControl
{
    private const string Announcement = "listening at ";
    private const int Terminate = 15; // SIGTERM

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(25);

    /// <summary>Starts a node in the background and waits until it answers. It goes on when the caller's process ends.</summary>
    /// <exception cref="MessageStoreException">ServerNotInstalled; ServerNotStarted with what the node said.</exception>
    public static async Task<StorageNodeProcess> StartAsync(NodeStartOptions options, CancellationToken cancellationToken = default)
    {
        using Process process = ServerProgram.Start(Arguments(options));
        process.StandardInput.Close();
        Task<string> said = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var timer = new CancellationTokenSource(options.Wait);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        string? url = null;
        try
        {
            while (url is null && await process.StandardOutput.ReadLineAsync(either.Token).ConfigureAwait(false) is { } line)
                if (line.StartsWith(Announcement, StringComparison.Ordinal)) url = line[Announcement.Length..];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It takes too long: what it has said is in the error.
        }
        finally
        {
            if (url is null && !process.HasExited) process.Kill();
        }
        if (url is not null) return new StorageNodeProcess { Name = options.Name, ProcessId = process.Id, Url = url, Unit = options.Units };
        string words = (await said.ConfigureAwait(false)).Trim();
        throw new MessageStoreException(ErrorIds.ServerNotStarted, ErrorKind.Device, $"The storage node {options.Name} could not be started: {(words.Length > 0 ? words : $"it did not answer within {options.Wait}.")}", options.Name);
    }

    /// <summary>Tells the node that serves a unit to stop, and waits until it has. It takes its record away, ends what is under way and closes all its units.</summary>
    /// <param name="unit">The folder of one of its units.</param>
    /// <param name="wait">How long it may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The node that was stopped.</returns>
    /// <exception cref="MessageStoreException">ServerNotRunning: nobody serves the unit, or on another machine; ServerNotStopped where it takes longer.</exception>
    public static async Task<StorageNodeProcess> StopAsync(string unit, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(unit)), lockPath = Path.Combine(folder, Replication.StorageUnit.LockName);
        LockOwner? owner = OwnerLock.IsHeld(DiskStorage.Instance, lockPath) ? OwnerLock.Describe(DiskStorage.Instance, lockPath) : null;
        if (owner is null || owner.Machine != Environment.MachineName)
        {
            throw new MessageStoreException(ErrorIds.ServerNotRunning, ErrorKind.NotFound,
                owner is null ? $"No storage node serves {folder}." : $"The storage unit {folder} is served on {owner.Machine}. Stop its node there.", folder);
        }
        Tell(owner.ProcessId);
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < wait;)
        {
            // Another one may have been started in the meantime, by whatever watches over it.
            if (!OwnerLock.IsHeld(DiskStorage.Instance, lockPath) || OwnerLock.Describe(DiskStorage.Instance, lockPath)?.ProcessId != owner.ProcessId)
                return new StorageNodeProcess { Name = owner.Purpose, ProcessId = owner.ProcessId, Unit = [folder] };
            await Task.Delay(LookInterval, cancellationToken).ConfigureAwait(false);
        }
        throw new MessageStoreException(ErrorIds.ServerNotStopped, ErrorKind.Busy, $"The storage node of {folder} (process {owner.ProcessId}) has not stopped within {wait}. It may still do so.", folder);
    }

    private static List<string> Arguments(NodeStartOptions options)
    {
        List<string> arguments = ["node", "--background", "--name", options.Name];
        foreach (string unit in options.Units) arguments.AddRange(["--unit", unit]);
        if (options.Create) arguments.Add("--create");
        foreach ((string name, string? value) in ((string, string?)[])[
            ("--key-file", options.KeyFile), ("--directory", options.Directory), ("--listen", options.Listen), ("--certificate", options.CertificateFile), ("--database", options.Database?.ToString()),
            ("--group", options.Group.ToString(CultureInfo.InvariantCulture)), ("--weight", options.Weight.ToString(CultureInfo.InvariantCulture))])
            if (value is not null) arguments.AddRange([name, value]);
        return arguments;
    }

    /// <summary>Asks a process to end in order. Windows knows no such signal for a process without a window: there it is ended at once, which units stand as they stand a crash.</summary>
    private static void Tell(int process)
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = Signal(process, Terminate); // one that has ended meanwhile is as good
            return;
        }
        try
        {
            using var node = Process.GetProcessById(process);
            node.Kill();
        }
        catch (ArgumentException)
        {
            // It has ended meanwhile.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
