using System.CommandLine;

namespace MessageStore.Server.Serving;

/// <summary><c>messagestored serve</c>: in the foreground, under systemd or as a Windows service.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var database = new Option<string>("--database") { Description = "The database folder to own and serve.", Required = true };
        var command = new Command("serve", "Own a database and serve it until told to stop.") { database };
        command.SetAction((parsed, cancellationToken) => CommandLine.ReportAsync(async () =>
        {
            var options = new ServerOptions { Database = parsed.GetRequiredValue(database) };
            await using MessageServer server = await MessageServer.StartAsync(options, cancellationToken).ConfigureAwait(false);
            await server.WaitAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }));
        return command;
    }
}
