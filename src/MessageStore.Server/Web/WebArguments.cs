using System.CommandLine;
using System.Net;

namespace MessageStore.Server.Web;

/// <summary>The words of the command line that are about the page.</summary>
internal sealed class WebArguments
{
    private readonly Option<string?> address = new("--web")
    {
        Description = $"Serve the page and its API at this address and port; without a value {WebOptions.DefaultEndPoint}.", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> certificate = new("--web-certificate") { Description = "PEM file with the certificate and its chain. Required where --web is not a loopback address." };
    private readonly Option<string?> certificateKey = new("--web-certificate-key") { Description = "PEM file with the certificate's key, where that is in a file of its own." };
    private readonly Option<string[]> host = new("--web-host") { Description = "A name under which browsers come, besides localhost and addresses; once for each." };
    private readonly Option<TimeSpan?> age = new("--maximum-backup-age") { Description = "The page and /healthz call a database unhealthy whose newest backup is older: 01:00:00 is an hour." };

    public void AddTo(Command command)
    {
        address.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !IPEndPoint.TryParse(text, out _)) result.AddError("--web must be an address and a port, such as 127.0.0.1:8025.");
        });
        foreach (Option option in (Option[])[address, certificate, certificateKey, host, age]) command.Add(option);
    }

    public WebOptions? Read(ParseResult parsed) => parsed.GetResult(address) is null ? null : new WebOptions
    {
        EndPoint = parsed.GetValue(address) is { } text ? IPEndPoint.Parse(text) : WebOptions.DefaultEndPoint,
        CertificatePath = parsed.GetValue(certificate),
        CertificateKeyPath = parsed.GetValue(certificateKey),
        HostNames = parsed.GetValue(host) ?? [],
        MaximumBackupAge = parsed.GetValue(age),
    };
}
