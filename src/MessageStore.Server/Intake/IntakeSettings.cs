using System.Security.Cryptography.X509Certificates;

namespace MessageStore.Server.Intake;

/// <summary>Everything about mail coming in.</summary>
internal sealed record IntakeSettings
{
    /// <summary>Where it comes in; nowhere where it is empty.</summary>
    public IReadOnlyList<IntakeOptions> Listeners { get; init; } = [];
    public IntakeLimits Limits { get; init; } = new();
    public RecipientOptions Recipients { get; init; } = new();
    /// <summary>What the server calls itself.</summary>
    public string HostName { get; init; } = Environment.MachineName;
    /// <summary>Whether a message is taken only once copies of it lie on the storage nodes.</summary>
    public bool Journal { get; init; }
    /// <summary>For TLS; <see langword="null"/> for none.</summary>
    public X509Certificate2? Certificate { get; init; }
    /// <summary>Names and password hashes (<see cref="PasswordHash"/>) of those who may submit.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
}
