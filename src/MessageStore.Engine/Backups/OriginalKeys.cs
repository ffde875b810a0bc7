namespace MessageStore.Backups;

/// <summary>Where a lost database had its archive keys.</summary>
/// <param name="Folder">The folder of the embedded key manager, which may be lost too.</param>
/// <param name="Server">The server that has them instead; <see langword="null"/> for none.</param>
internal sealed record OriginalKeys(string Folder, KeyServerSettings? Server);
