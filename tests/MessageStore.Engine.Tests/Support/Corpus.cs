namespace MessageStore.Tests.Support;

/// <summary>
/// The real mail that lies beside the repository (../shared/corpus), or where MESSAGESTORE_CORPUS names its folder. It is no part of the
/// project: tests that need it carry <see cref="CorpusFactAttribute"/>.
/// </summary>
internal static class Corpus
{
    private const string Variable = "MESSAGESTORE_CORPUS";

    /// <summary>How many messages there are.</summary>
    public const int Count = 3900;

    public static string Folder { get; } = Find();

    /// <summary>All messages in one packed mboxrd file.</summary>
    public static string MboxPath => Path.Combine(Folder, "ham.mbox.gz");

    /// <summary>Number, SHA-256, length and origin of every message, in file order, below one line of headings.</summary>
    public static string TsvPath => Path.Combine(Folder, "ham.tsv");

    public static bool IsThere => File.Exists(MboxPath) && File.Exists(TsvPath);

    /// <summary>SHA-256 in lower-case hex and length of every message in file order.</summary>
    public static IReadOnlyList<(string Sha256, long Length)> Digests() =>
        [.. File.ReadLines(TsvPath).Skip(1).Select(line => line.Split('\t')).Select(cells => (cells[1], long.Parse(cells[2], null)))];

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return named;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string corpus = Path.Combine(folder.FullName, "shared", "corpus");
            if (File.Exists(Path.Combine(corpus, "ham.mbox.gz"))) return corpus;
        }
        return "";
    }
}
