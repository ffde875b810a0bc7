using System.CommandLine;
using MessageStore.Server.Demo;

namespace MessageStore.Server;

/// <summary>The command line of <c>messagestored</c>.</summary>
internal static class CommandLine
{
    private const int DefaultMessages = 20_000;

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("The MessageStore server.") { DemoCommand() };
        return await root.Parse(args).InvokeAsync().ConfigureAwait(false);
    }

    private static Command DemoCommand()
    {
        var messages = new Option<int>("--messages") { Description = "How many messages to store, 100 or more.", DefaultValueFactory = _ => DefaultMessages };
        messages.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < DemoRun.FewestMessages) result.AddError($"--messages must be {DemoRun.FewestMessages} or more.");
        });
        var folder = new Option<DirectoryInfo?>("--path") { Description = "A new folder for the demo, kept afterwards. Default: a temporary one, deleted at the end." };
        var seed = new Option<int>("--seed") { Description = "Seed of the message generator.", DefaultValueFactory = _ => 1 };
        var command = new Command("demo", "Lose a database and have it back: store, archive, back up, lose the disk, restore, compare every digest.") { messages, folder, seed };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                await using var run = new DemoRun(parsed.GetValue(messages), parsed.GetValue(seed), parsed.GetValue(folder)?.FullName, Console.Out);
                return await run.RunAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (MessageStoreException error)
            {
                await Console.Error.WriteLineAsync($"{error.ErrorId}: {error.Message}").ConfigureAwait(false);
                return 1;
            }
        });
        return command;
    }
}
