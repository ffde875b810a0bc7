using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Remote;

/// <summary>
/// What can be called through the socket: all of <see cref="IMessageStore"/>, found by reflection, so that a new member needs nothing here. Both ends must know
/// the same members and records, which their <see cref="Fingerprint"/> tells.
/// </summary>
internal static class StoreContract
{
    private static readonly Lazy<Dictionary<string, StoreMember>> ByName = new(() => Methods().ToDictionary(m => m.Name, StoreMember.For, StringComparer.Ordinal));

    private static readonly Lazy<string> Digest = new(() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Describe()))));

    /// <summary>SHA-256, in hex, of the signatures of all members and the shapes of all records.</summary>
    public static string Fingerprint => Digest.Value;

    public static IReadOnlyCollection<StoreMember> Members => ByName.Value.Values;

    public static StoreMember? Find(string name) => ByName.Value.GetValueOrDefault(name);

    /// <summary>The methods that go through the socket; only the path is known without asking.</summary>
    private static IEnumerable<MethodInfo> Methods() => typeof(IMessageStore).GetMethods().Where(m => m.Name != $"get_{nameof(IMessageStore.Path)}");

    private static string Describe()
    {
        var text = new StringBuilder();
        text.Append(Wire.Protocol).Append('\n');
        foreach (MethodInfo method in Methods().OrderBy(m => m.Name, StringComparer.Ordinal)) text.Append(method).Append('\n');
        foreach (Type type in KnownTypes.All.OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            text.Append(type.FullName).Append('\n');
            if (type.IsEnum) text.AppendJoin(',', Enum.GetNames(type).Select(n => $"{n}={Convert.ToInt64(Enum.Parse(type, n), null)}")).Append('\n');
            else foreach (PropertyInfo property in type.GetProperties().Where(p => p.CanWrite).OrderBy(p => p.Name, StringComparer.Ordinal)) text.Append(' ').Append(property).Append('\n');
        }
        return text.ToString();
    }
}
