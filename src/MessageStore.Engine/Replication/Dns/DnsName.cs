using System.Text;

namespace MessageStore.Replication.Dns;

/// <summary>A domain name as it goes over the wire, uncompressed and in lower case: names that mean the same are equal.</summary>
internal sealed class DnsName : IEquatable<DnsName>
{
    /// <summary>Longest name in bytes, lengths of labels and the root's zero included (RFC 1035 §2.3.4).</summary>
    public const int MaximumLength = 255;

    public const int MaximumLabelLength = 63;

    public static readonly DnsName Root = new([0]);

    private readonly byte[] wire;

    /// <param name="wire">Labels with their lengths and the final zero, in lower case; checked by the caller.</param>
    internal DnsName(byte[] wire) => this.wire = wire;

    public ReadOnlySpan<byte> Wire => wire;

    /// <summary>Reads a name as people write it, with or without the final dot.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static DnsName Parse(string text)
    {
        if (text is ".") return Root;
        string[] labels = (text.EndsWith('.') ? text[..^1] : text).Split('.');
        var wire = new List<byte>(text.Length + 2);
        foreach (string label in labels)
        {
            if (label.Length is 0 or > MaximumLabelLength || label.Any(c => c is <= ' ' or '\\' or > '~')) throw Invalid(text);
            wire.Add((byte)label.Length);
            wire.AddRange(Encoding.ASCII.GetBytes(label.ToLowerInvariant()));
        }
        wire.Add(0);
        return wire.Count > MaximumLength ? throw Invalid(text) : new DnsName([.. wire]);
    }

    /// <summary>This name with labels put before it: <c>n1.example.org</c> of <c>example.org</c>.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter: it would be too long.</exception>
    public DnsName Child(string labels) => Parse(wire.Length == 1 ? labels : $"{labels}.{this}");

    /// <summary>Whether this is <paramref name="zone"/> itself or lies below it.</summary>
    public bool IsWithin(DnsName zone)
    {
        for (int at = 0; wire.Length - at >= zone.wire.Length; at += wire[at] + 1)
        {
            if (wire.AsSpan(at).SequenceEqual(zone.wire)) return true;
            if (wire[at] == 0) break;
        }
        return false;
    }

    /// <summary>The first label where the rest is <paramref name="zone"/>; otherwise <see langword="null"/>.</summary>
    public string? LabelIn(DnsName zone) =>
        wire[0] > 0 && wire.AsSpan(wire[0] + 1).SequenceEqual(zone.wire) ? Encoding.Latin1.GetString(wire, 1, wire[0]) : null;

    public bool Equals(DnsName? other) => other is not null && wire.AsSpan().SequenceEqual(other.wire);

    public override bool Equals(object? obj) => Equals(obj as DnsName);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(wire);
        return hash.ToHashCode();
    }

    /// <summary>As people write it, without the final dot; what is no plain character is <c>\DDD</c> (RFC 1035 §5.1).</summary>
    public override string ToString()
    {
        if (wire.Length == 1) return ".";
        var text = new StringBuilder(wire.Length);
        for (int at = 0; wire[at] > 0; at += wire[at] + 1)
        {
            if (at > 0) text.Append('.');
            foreach (byte b in wire.AsSpan(at + 1, wire[at]))
            {
                if (b is <= 0x20 or (byte)'.' or (byte)'\\' or >= 0x7F) text.Append('\\').Append(b.ToString("D3", System.Globalization.CultureInfo.InvariantCulture));
                else text.Append((char)b);
            }
        }
        return text.ToString();
    }

    private static MessageStoreException Invalid(string text) => new(
        ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
        $"'{text}' is no domain name: labels of 1 to {MaximumLabelLength} characters with dots between them, {MaximumLength} bytes at most.", text);
}
