using MessageStore.Messages;

namespace MessageStore;

/// <summary>
/// Some sixty varied real messages that ship with the engine, for the demo and for tests: encoded words, raw 8-bit, multipart, quoted From lines, short
/// and long ones. From the SpamAssassin public corpus (public domain); tests/tools/samples.py cut them out.
/// </summary>
public static class SampleMail
{
    /// <summary>How many there are.</summary>
    public const int Count = 60;

    private const string Resource = "MessageStore.Samples.samples.mbox.gz";

    /// <summary>The messages, always the same in the same order. The taker disposes each body.</summary>
    public static IEnumerable<SourceMessage> Open()
    {
        using var unpacked = new GzipMemberStream(typeof(SampleMail).Assembly.GetManifestResourceStream(Resource)!);
        foreach (SourceItem item in new MboxReader(unpacked, "samples").Read()) yield return item.Message ?? throw item.Error!;
    }
}
