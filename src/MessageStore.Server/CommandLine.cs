using System.CommandLine;
using MessageStore.Server.Backups;
using MessageStore.Server.Demo;
using MessageStore.Server.Nodes;
using MessageStore.Server.Serving;

namespace MessageStore.Server;

/// <summary>The command line of <c>messagestored</c>.</summary>
internal static class CommandLine
{
    /// <summary>How long a command gets to end in order after SIGTERM or Ctrl+C.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("The MessageStore server.") { DemoCommand.Create(), ServeCommand.Create(), BackupCommand.Create(), HashCommand.Create(), NodeCommand.Create() };
        return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = Grace }).ConfigureAwait(false);
    }

    /// <summary>Runs a command's work; an operating error becomes a line on the error stream and exit code 1.</summary>
    public static async Task<int> ReportAsync(Func<Task<int>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            await Console.Error.WriteLineAsync($"{error.ErrorId}: {error.Message}").ConfigureAwait(false);
            return 1;
        }
    }
}
