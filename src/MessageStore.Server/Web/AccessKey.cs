using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Server.Web;

/// <summary>
/// The secret that opens the page and the API: 256 random bits in <c>web.key</c> in the database folder, readable by the server's account alone. It is asked for on loopback too: whoever
/// has an account on the machine may not therefore read everybody's mail.
/// </summary>
internal sealed class AccessKey
{
    public const string FileName = "web.key";

    private const int Bytes = 32;

    private readonly byte[] digest;

    private AccessKey(string text) => digest = SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>Reads the key, or makes one where there is none.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter: the file holds no key, or others can read it.</exception>
    public static AccessKey Load(string databasePath)
    {
        string path = Path.Combine(databasePath, FileName);
        if (!File.Exists(path)) Create(path);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
            throw Invalid($"{path} can be read by others than its owner. Delete it, so that a new key is made, and sign in with that.", path);
        string text = File.ReadAllText(path).Trim();
        if (text.Length < Bytes)
            throw Invalid($"{path} holds no key of at least {Bytes} characters. Delete it, so that a new one is made.", path);
        return new AccessKey(text);
    }

    /// <summary>Whether a text is the key; takes as long for any text.</summary>
    public bool Is(string? text) => text is not null && CryptographicOperations.FixedTimeEquals(digest, SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static void Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes)) + "\n"));
    }

    private static MessageStoreException Invalid(string message, string path) => new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, message, path);
}
