namespace MessageStore.Backups;

/// <summary>What a restore takes from one set of a chain.</summary>
/// <param name="HasImages">The index snapshot: of the newest set with images.</param>
/// <param name="HasLogs">Logs and patches: of that set and those above it.</param>
/// <param name="KeysFile">Where the image of the key manager goes; <see langword="null"/> to leave it.</param>
/// <param name="Wanted">Which bytes of a segment of a group.</param>
internal sealed record SetPart(bool HasImages, bool HasLogs, string? KeysFile, Func<string, int, (long From, long To)> Wanted);
