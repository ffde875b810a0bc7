using MessageStore.Server.Intake;
using MessageStore.Server.Retrieval;
using MessageStore.Server.Telemetry;
using MessageStore.Server.Web;

namespace MessageStore.Server.Serving;

/// <summary>What a server serves and how.</summary>
internal sealed record ServerOptions
{
    /// <summary>The configuration in the database folder, where no other is named.</summary>
    public const string DefaultFile = "server.json";

    private const string EnvironmentPrefix = "MESSAGESTORE_SERVER_";

    /// <summary>The database folder.</summary>
    public required string Database { get; init; }
    /// <summary>Where it writes its log; <see langword="null"/> for the console.</summary>
    public string? LogPath { get; init; }
    /// <summary>The page and its API; <see langword="null"/> for none.</summary>
    public WebOptions? Web { get; init; }
    /// <summary>Messages by Id over HTTP; <see langword="null"/> for none.</summary>
    public RetrievalOptions? Retrieval { get; init; }
    public IntakeSettings Intake { get; init; } = new();
    /// <summary>What is called healthy.</summary>
    public HealthLimits Health { get; init; } = new();
    /// <summary>Where measurements and traces go.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();
    /// <summary>What the server's own waits go by.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Reads the configuration: file, then environment (<c>MESSAGESTORE_SERVER_Listen__Lmtp</c>), then <paramref name="settings"/>, later ones winning.</summary>
    /// <exception cref="MessageStoreException">ConfigurationInvalid, naming everything that is wrong.</exception>
    public static ServerOptions Read(string database, string? logPath, string? file, IEnumerable<KeyValuePair<string, string?>> settings)
    {
        string beside = Path.Combine(database, DefaultFile), path = Path.GetFullPath(file ?? beside);
        IConfigurationRoot configuration;
        try
        {
            configuration = new ConfigurationBuilder().AddJsonFile(path, optional: file is null).AddEnvironmentVariables(EnvironmentPrefix).AddInMemoryCollection(settings).Build();
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw Invalid([$"{path} cannot be read: {error.InnerException?.Message ?? error.Message}"]);
        }
        var errors = new List<string>();
        var reader = new ConfigurationReader(configuration, errors);
        var options = new ServerOptions { Database = database, LogPath = logPath, Intake = IntakeConfiguration.Read(reader), Web = WebConfiguration.Read(reader), Health = WebConfiguration.ReadHealth(reader), Telemetry = WebConfiguration.ReadTelemetry(reader) };
        reader.RefuseTheRest();
        return errors.Count == 0 ? options : throw Invalid(errors);
    }

    private static MessageStoreException Invalid(List<string> errors) => new(ErrorIds.ConfigurationInvalid, ErrorKind.InvalidArgument, string.Join(Environment.NewLine, errors));
}
