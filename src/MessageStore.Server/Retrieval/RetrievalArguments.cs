using System.CommandLine;
using System.Net;
using MessageStore.Replication;

namespace MessageStore.Server.Retrieval;

/// <summary>The words of the command line that are about the retrieval server.</summary>
internal sealed class RetrievalArguments
{
    private const int LargestCache = 64 << 10;

    private readonly Option<string?> address = new("--retrieval")
    {
        Description = $"Give messages out by Id over HTTP at this address and port; without a value {RetrievalOptions.DefaultEndPoint}.", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> keyFile = new("--retrieval-key-file") { Description = "File with the key that its clients show, readable by its owner alone. Required with --retrieval." };
    private readonly Option<string?> certificate = new("--retrieval-certificate") { Description = "Certificate with its key, .pfx or .pem. Required where --retrieval is not a loopback address." };
    private readonly Option<int> cache = new("--retrieval-cache") { Description = "MiB of verified messages that are kept in memory; 0 for none.", DefaultValueFactory = _ => 64 };

    public void AddTo(Command command)
    {
        address.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !IPEndPoint.TryParse(text, out _)) result.AddError("--retrieval must be an address and a port, such as 127.0.0.1:8080.");
        });
        cache.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > LargestCache) result.AddError($"--retrieval-cache must be 0 to {LargestCache}.");
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(address) is not null && result.GetValue(keyFile) is null) result.AddError("--retrieval needs --retrieval-key-file.");
        });
        foreach (Option option in (Option[])[address, keyFile, certificate, cache]) command.Add(option);
    }

    /// <exception cref="MessageStoreException">What is wrong with the key file.</exception>
    public RetrievalOptions? Read(ParseResult parsed) => parsed.GetResult(address) is null ? null : new RetrievalOptions
    {
        EndPoint = parsed.GetValue(address) is { } text ? IPEndPoint.Parse(text) : RetrievalOptions.DefaultEndPoint,
        SharedKey = SharedKey.ReadFile(parsed.GetValue(keyFile)!),
        CertificatePath = parsed.GetValue(certificate),
        CacheBytes = (long)parsed.GetValue(cache) << 20,
    };
}
