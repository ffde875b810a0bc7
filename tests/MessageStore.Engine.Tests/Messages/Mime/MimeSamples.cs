using System.Text;
using MessageStore.Messages.Mime;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages.Mime;

/// <summary>Takes messages apart for tests.</summary>
internal static class MimeSamples
{
    /// <summary>All parts with their decoded content; in pieces of random sizes where a random source is given.</summary>
    public static List<(MimePart Part, byte[] Content)> Take(byte[] message, Random? random = null, MimeLimits? limits = null)
    {
        using Stream stream = random is null ? new MemoryStream(message) : new TrickleStream(new MemoryStream(message), random);
        using var reader = new MimeReader(stream, limits);
        var parts = new List<(MimePart, byte[])>();
        while (reader.Read())
        {
            MimePart part = reader.Part;
            var content = new MemoryStream();
            while (reader.NextContent() is { IsEmpty: false } piece) content.Write(piece);
            parts.Add((part, content.ToArray()));
        }
        return parts;
    }

    public static List<(MimePart Part, byte[] Content)> Take(string message) => Take(Encoding.Latin1.GetBytes(message));

    public static string Text(this (MimePart Part, byte[] Content) part) => Encoding.Latin1.GetString(part.Content);

    /// <summary>The characters that a decoder or an HTML reader writes.</summary>
    public sealed class Collector : ICharSink
    {
        private readonly StringBuilder text = new();

        public void Write(ReadOnlySpan<char> piece) => text.Append(piece);

        public override string ToString() => text.ToString();
    }
}
