namespace MessageStore.Tests.Support;

/// <summary>The store broke a promise.</summary>
public sealed class InvariantException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Where in the run of its seed, for the replay.</summary>
    public int? Point { get; init; }
}
