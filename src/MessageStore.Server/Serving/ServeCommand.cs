using System.CommandLine;
using MessageStore.Server.Retrieval;
using MessageStore.Server.Web;

namespace MessageStore.Server.Serving;

/// <summary><c>messagestored serve</c>: in the foreground, under systemd, as a Windows service, or in the background of <c>Start-MessageServer</c>.</summary>
internal static class ServeCommand
{
    public const string Name = "serve";

    /// <summary>
    /// How often a thread of the pool that has nothing to do looks for something before it sleeps: not at all. A server shares its machine, and has many small turns; on two cores looking took half of the
    /// rate at which it gives messages out. A storage node has few large ones and keeps the platform's value, without which it lost a sixth to a quarter of its rate.
    /// </summary>
    public const int SpinLimit = 0;

    private const string DefaultLog = "server.log";

    public static Command Create()
    {
        var database = new Option<string>("--database") { Description = "The database folder to own and serve.", Required = true };
        var log = new Option<string?>("--log") { Description = "File to append the log to. Default: the console, or server.log in the database folder with --background." };
        var background = new Option<bool>("--background") { Description = "Leave the terminal's session, so that Ctrl+C there does not end the server." };
        var configuration = new Option<string?>("--configuration") { Description = "Configuration file, JSON. Default: server.json in the database folder, where there is one." };
        var set = new Option<string[]>("--set") { Description = "A setting, such as Listen:Lmtp=127.0.0.1:2400. Wins over file and environment. Can be given more than once." };
        var web = new WebArguments();
        var command = new Command(Name, "Own a database and serve it until told to stop.") { database, configuration, set, log, background };
        web.AddTo(command);
        var retrieval = new RetrievalArguments();
        retrieval.AddTo(command);
        command.SetAction((parsed, cancellationToken) => CommandLine.ReportAsync(async () =>
        {
            bool isBackground = parsed.GetValue(background);
            if (isBackground) BackgroundSession.Leave();
            string path = Path.GetFullPath(parsed.GetRequiredValue(database));
            string? logPath = parsed.GetValue(log) ?? (isBackground ? Path.Combine(path, DefaultLog) : null);
            ServerOptions options = ServerOptions.Read(path, logPath, parsed.GetValue(configuration), [.. web.Settings(parsed), .. (parsed.GetValue(set) ?? []).Select(Setting)]) with { Retrieval = retrieval.Read(parsed) };
            await using MessageServer server = await MessageServer.StartAsync(options, cancellationToken).ConfigureAwait(false);
            await server.PageLoaded.WaitAsync(cancellationToken).ConfigureAwait(false); // whoever follows the line waits for the page alone
            foreach (string address in server.Addresses) await Console.Out.WriteLineAsync($"page at {address}, key in {Path.Combine(path, AccessKey.FileName)}").ConfigureAwait(false);
            if (server.RetrievalUrl is { } url) await Console.Out.WriteLineAsync($"messages by Id at {url}").ConfigureAwait(false);
            await server.WaitAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }));
        return command;
    }

    private static KeyValuePair<string, string?> Setting(string text)
    {
        int at = text.IndexOf('=', StringComparison.Ordinal);
        return at > 0 ? new(text[..at], text[(at + 1)..]) : throw new MessageStoreException(ErrorIds.ConfigurationInvalid, ErrorKind.InvalidArgument, $"--set {text} is no setting; write name=value.");
    }
}
