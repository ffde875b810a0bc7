namespace MessageStore.Keys;

/// <summary>What a key must look like, whoever keeps it: one that fits one key manager must fit the others.</summary>
internal static class KeyRules
{
    private const int Sha256Digits = 64;

    /// <exception cref="ArgumentException">A key that nobody should have made.</exception>
    public static void Check(ArchiveKey key)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(key.Offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(key.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Mailbox.Length, StoreLimits.NameLength);
        if (key.Sha256.Length != Sha256Digits || !key.Sha256.All(char.IsAsciiHexDigit)) throw new ArgumentException($"{key.Sha256} is no SHA-256.");
        CheckVolume(key.Target, key.Unit, key.Volume);
    }

    /// <exception cref="ArgumentException">Its names are too long together.</exception>
    public static void CheckVolume(string target, string unit, string volume)
    {
        if (KeyEntry.Bound(target, unit, volume) > KeyEntry.MaximumSize) throw new ArgumentException($"The name of volume {volume} is too long.");
    }
}
