using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Server.Intake;

/// <summary>A password as a configuration keeps it: <c>pbkdf2-sha256$rounds$salt$hash</c>, salt and hash in base 64.</summary>
internal static class PasswordHash
{
    private const string Scheme = "pbkdf2-sha256";
    private const int Rounds = 600_000;
    private const int MostRounds = 10_000_000;
    private const int SaltLength = 16;
    private const int HashLength = 32;

    public static string Create(string password)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltLength);
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}${Rounds}${Convert.ToBase64String(salt)}${Convert.ToBase64String(Hash(password, salt, Rounds))}");
    }

    /// <summary>Whether text is a hash that <see cref="Create"/> could have made.</summary>
    public static bool IsValid(string text) => Parse(text) is not null;

    /// <summary>Compares in a time that does not tell how much was right.</summary>
    public static bool Matches(string text, string password) =>
        Parse(text) is { } known && CryptographicOperations.FixedTimeEquals(known.Hash, Hash(password, known.Salt, known.Rounds));

    private static byte[] Hash(string password, byte[] salt, int rounds) => Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, rounds, HashAlgorithmName.SHA256, HashLength);

    private static (int Rounds, byte[] Salt, byte[] Hash)? Parse(string text)
    {
        string[] parts = text.Split('$');
        if (parts.Length != 4 || parts[0] != Scheme || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) || rounds is < 1 or > MostRounds) return null;
        byte[] salt = new byte[parts[2].Length], hash = new byte[HashLength];
        return Convert.TryFromBase64String(parts[2], salt, out int length) && Convert.TryFromBase64String(parts[3], hash, out int hashed) && hashed == HashLength ? (rounds, salt[..length], hash) : null;
    }
}
