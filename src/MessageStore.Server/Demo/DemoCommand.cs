using System.CommandLine;

namespace MessageStore.Server.Demo;

/// <summary><c>messagestored demo</c>.</summary>
internal static class DemoCommand
{
    private const int DefaultMessages = 20_000;

    public static Command Create()
    {
        var messages = new Option<int>("--messages") { Description = "How many messages to store, 100 or more.", DefaultValueFactory = _ => DefaultMessages };
        messages.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < DemoRun.FewestMessages) result.AddError($"--messages must be {DemoRun.FewestMessages} or more.");
        });
        var folder = new Option<DirectoryInfo?>("--path") { Description = "A new folder for the demo, kept afterwards. Default: a temporary one, deleted at the end." };
        var seed = new Option<int>("--seed") { Description = "Seed of the message generator.", DefaultValueFactory = _ => 1 };
        var command = new Command("demo", "Lose a database and have it back: store, archive, back up, lose the disk, restore, compare every digest.") { messages, folder, seed };
        command.SetAction((parsed, cancellationToken) => CommandLine.ReportAsync(async () =>
        {
            await using var run = new DemoRun(parsed.GetValue(messages), parsed.GetValue(seed), parsed.GetValue(folder)?.FullName, Console.Out);
            return await run.RunAsync(cancellationToken).ConfigureAwait(false);
        }));
        return command;
    }
}
