using System.CommandLine;
using System.Globalization;

namespace MessageStore.Server.Web;

/// <summary>The words of the command line that are about the page: each another way to say a setting.</summary>
internal sealed class WebArguments
{
    private readonly Option<string?> address = new("--web")
    {
        Description = $"Serve the page and its API at this address and port; without a value {WebOptions.DefaultEndPoint}. The setting Web:Listen.", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> certificate = new("--web-certificate") { Description = "PEM file with the certificate and its chain. Required where --web is not a loopback address. The setting Web:Certificate." };
    private readonly Option<string?> certificateKey = new("--web-certificate-key") { Description = "PEM file with the certificate's key, where that is in a file of its own. The setting Web:Key." };
    private readonly Option<string[]> host = new("--web-host") { Description = "A name under which browsers come, besides localhost and addresses; once for each. The setting Web:Hosts." };
    private readonly Option<TimeSpan?> age = new("--maximum-backup-age") { Description = "The page and /healthz call a database unhealthy whose newest backup is older: 01:00:00 is an hour. The setting Health:MaximumBackupAge." };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[address, certificate, certificateKey, host, age]) command.Add(option);
    }

    /// <summary>What was said, as settings.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Settings(ParseResult parsed)
    {
        if (parsed.GetResult(address) is not null) yield return new("Web:Listen", parsed.GetValue(address) ?? WebOptions.DefaultEndPoint.ToString());
        if (parsed.GetValue(certificate) is { } file) yield return new("Web:Certificate", file);
        if (parsed.GetValue(certificateKey) is { } key) yield return new("Web:Key", key);
        if (parsed.GetValue(host) is { Length: > 0 } hosts) yield return new("Web:Hosts", string.Join(',', hosts));
        if (parsed.GetValue(age) is { } most) yield return new("Health:MaximumBackupAge", most.ToString("c", CultureInfo.InvariantCulture));
    }
}
