using System.CommandLine;
using System.Net;
using MessageStore.Replication;
using MessageStore.Server.Serving;

namespace MessageStore.Server.Nodes;

/// <summary><c>messagestored node</c>: a storage node in the foreground, under systemd or as a Windows service.</summary>
internal static class NodeCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name") { Description = "Name of the node: small letters, digits, hyphens.", Required = true };
        var unit = new Option<string[]>("--unit") { Description = "Folder of a storage unit; once for each.", Required = true };
        var create = new Option<bool>("--create") { Description = "Make storage units of folders that are empty or missing." };
        var listen = new Option<string>("--listen") { Description = "Address and port; port 0 for any that is free.", DefaultValueFactory = _ => "127.0.0.1:0" };
        var keyFile = new Option<string?>("--key-file") { Description = "File with the shared key, readable by its owner alone. Required without --client-certificates." };
        var authority = new Option<string?>("--authority") { Description = "Certificate (PEM or DER) that certificates of other nodes, and of clients, must be signed by. Default: the system's authorities." };
        var clients = new Option<bool>("--client-certificates") { Description = "Let nobody in who does not show a certificate that --authority has signed, instead of the key or, with --key-file, besides." };
        var certificate = new Option<string?>("--certificate") { Description = "Certificate with its key, .pfx or .pem. Required off loopback." };
        var url = new Option<string?>("--url") { Description = "The path that others reach it by, where that is not the address it listens at." };
        var directory = new Option<string?>("--directory") { Description = "Where it enters its record: a file, or dns:… (docs/dns.md)." };
        var database = new Option<Guid?>("--database") { Description = "Id of the database that its units serve (Get-MessageDatabase shows it). Default: the first that stores something on an empty unit." };
        var background = new Option<bool>("--background") { Description = "Leave the terminal's session, so that Ctrl+C there does not end the node." };
        var group = new Option<int>("--group") { Description = "Its group: a higher number serves only where the lower ones cannot." };
        var weight = new Option<int>("--weight") { Description = "How much of its group's load it takes, in proportion.", DefaultValueFactory = _ => 1 };
        var buffer = new Option<int>("--buffer") { Description = "KiB of records in memory at which a block is written.", DefaultValueFactory = _ => 1024 };
        var linger = new Option<int>("--linger") { Description = "Milliseconds that a block may wait to become full." };
        buffer.Validators.Add(r => Range(r, r.GetValueOrDefault<int>(), 4, 64 << 10));
        linger.Validators.Add(r => Range(r, r.GetValueOrDefault<int>(), 0, 1000));
        group.Validators.Add(r => Range(r, r.GetValueOrDefault<int>(), 0, ushort.MaxValue));
        weight.Validators.Add(r => Range(r, r.GetValueOrDefault<int>(), 0, ushort.MaxValue));
        listen.Validators.Add(r =>
        {
            if (!IPEndPoint.TryParse(r.GetValueOrDefault<string>() ?? "", out _)) r.AddError("--listen must be an address and a port, such as 127.0.0.1:7400.");
        });
        var command = new Command("node", "Store archive records on the disks of this machine and serve them to others.")
        {
            name, unit, create, listen, keyFile, certificate, authority, clients, url, directory, database, background, group, weight, buffer, linger,
        };
        command.SetAction((parsed, cancellationToken) => CommandLine.ReportAsync(async () =>
        {
            if (parsed.GetValue(background)) BackgroundSession.Leave();
            var options = new NodeOptions
            {
                Name = parsed.GetRequiredValue(name),
                Units = parsed.GetRequiredValue(unit),
                Create = parsed.GetValue(create),
                Listen = IPEndPoint.Parse(parsed.GetRequiredValue(listen)),
                SharedKey = parsed.GetValue(keyFile) is { } key ? SharedKey.ReadFile(key) : "",
                AuthorityPath = parsed.GetValue(authority),
                ClientCertificates = parsed.GetValue(clients),
                CertificatePath = parsed.GetValue(certificate),
                Url = parsed.GetValue(url),
                Directory = parsed.GetValue(directory) is { } place ? StorageDirectories.FullName(place) : null,
                Database = parsed.GetValue(database),
                Group = parsed.GetValue(group),
                Weight = parsed.GetValue(weight),
                BufferSize = parsed.GetValue(buffer) << 10,
                Linger = TimeSpan.FromMilliseconds(parsed.GetValue(linger)),
            };
            await using NodeServer server = await NodeServer.StartAsync(options, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            foreach (StorageUnitStatus opened in server.Node.Units.Select(u => u.GetStatus()))
            {
                await Console.Out.WriteLineAsync($"unit {opened.Name}: {opened.RecordCount} records in {opened.VolumeCount} volumes, {opened.Folder}").ConfigureAwait(false);
                foreach (string note in opened.Notes) await Console.Error.WriteLineAsync(note).ConfigureAwait(false);
            }
            await Console.Out.WriteLineAsync($"listening at {server.Url}").ConfigureAwait(false);
            await server.WaitAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }));
        return command;
    }

    private static void Range(System.CommandLine.Parsing.OptionResult result, int value, int least, int most)
    {
        if (value < least || value > most) result.AddError($"{result.Option.Name} must be {least} to {most}.");
    }
}
