using System.CommandLine;
using System.Globalization;

namespace MessageStore.Server.Backups;

/// <summary>
/// <c>messagestored backup</c>: one backup, to folders as the cmdlet makes it or through the output into whatever reads it. Works beside a server that owns the database: then that one does it.
/// </summary>
internal static class BackupCommand
{
    /// <summary>What <c>--output</c> calls the output of this program.</summary>
    private const string StandardOutput = "-";

    public static Command Create()
    {
        var database = new Option<string>("--database") { Description = "The database folder.", Required = true };
        var output = new Option<string[]>("--output") { Description = "A folder, a file name ending in .msbackup, a pipe, or - for the output of this program. Several get the same bytes. Default: the database's backup path.", AllowMultipleArgumentsPerToken = true };
        var group = new Option<string[]>("--storage-group") { Description = "Storage groups. Default: all.", AllowMultipleArgumentsPerToken = true };
        var kind = new Option<BackupKind>("--kind") { Description = "Full, Incremental or Logs; through a pipe alone only Full." };
        var priority = new Option<BackupPriority>("--priority") { Description = "Who goes first: Users or Backup." };
        var compression = new Option<BackupCompression>("--compression") { Description = "None, Fastest or Optimal." };
        var keyFile = new Option<string?>("--key-file") { Description = "Encrypt with the bytes of this file, readable by its owner alone." };
        var command = new Command("backup", "Back up a database once.") { database, output, group, kind, priority, compression, keyFile };
        command.SetAction((parsed, cancellationToken) => CommandLine.ReportAsync(() => RunAsync(
            parsed.GetRequiredValue(database),
            new BackupOptions
            {
                Destinations = parsed.GetValue(output) ?? [],
                StorageGroups = parsed.GetValue(group) ?? [],
                Kind = parsed.GetValue(kind),
                Priority = parsed.GetValue(priority),
                Compression = parsed.GetValue(compression),
                Key = parsed.GetValue(keyFile) is { } file ? new BackupKeySource { KeyFile = Path.GetFullPath(file) } : null,
            },
            cancellationToken)));
        return command;
    }

    private static async Task<int> RunAsync(string database, BackupOptions options, CancellationToken cancellationToken)
    {
        IMessageStore store = await MessageDatabase.OpenForMaintenanceAsync(database, MaintenanceTask.Backup, cancellationToken).ConfigureAwait(false);
        await using (store.ConfigureAwait(false))
        {
            if (!options.Destinations.Contains(StandardOutput)) return await ReportAsync(await store.BackupAsync(Absolute(options, ""), null, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            using var pipe = new OutputPipe(store.Path);
            return await ReportAsync(await pipe.CopyAsync(Console.OpenStandardOutput(), (path, token) => store.BackupAsync(Absolute(options, path), null, token), cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    /// <summary>A server that does the work has another current folder than we.</summary>
    private static BackupOptions Absolute(BackupOptions options, string pipe) =>
        options with { Destinations = [.. options.Destinations.Select(d => d == StandardOutput ? pipe : Path.GetFullPath(d))] };

    /// <summary>On the error stream: the output may be the backup itself.</summary>
    private static async Task<int> ReportAsync(BackupRun run)
    {
        foreach (BackupCopy copy in run.Copies.Where(c => !c.IsComplete)) await Console.Error.WriteLineAsync($"{copy.ErrorId}: {copy.Reason}").ConfigureAwait(false);
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{run.Kind} backup {run.Id} of {run.Database}: {run.Messages} messages, {run.Bytes} bytes, {run.Duration.TotalSeconds:F1} s")).ConfigureAwait(false);
        if (run.Copies.Where(c => c.IsComplete).All(c => c.IsStream))
            await Console.Error.WriteLineAsync("It went through a pipe: whether it arrived is to be seen where it is (Test-StorageGroupBackup), and BackupAge does not count it.").ConfigureAwait(false);
        return run.Copies.All(c => c.IsComplete) ? 0 : 1;
    }
}
