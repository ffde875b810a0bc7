using System.Text;

namespace MessageStore.Writer;

/// <summary>
/// What the writer promises to whoever kills it: one line for each thing acknowledged, handed to the operating system, which survives the process, before
/// the next thing is begun. First letter: A stored (Id, SHA-256, mailbox), d about to delete, D deleted, F read flag set, B backup complete (path), K archive run
/// complete (moved), E a writer was refused (mailbox, error, milliseconds since the first refusal), V read back (count), X something that must not happen.
/// </summary>
internal sealed class AckJournal(string path) : IDisposable
{
    private readonly FileStream file = new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
    private readonly Lock gate = new();

    public void Write(char kind, params ReadOnlySpan<object> words)
    {
        byte[] line = Encoding.UTF8.GetBytes($"{kind} {string.Join(' ', words.ToArray())}\n");
        lock (gate) file.Write(line);
    }

    public void Dispose() => file.Dispose();

    /// <summary>The lines of a journal. The last one may have been cut off by the kill and is none then.</summary>
    public static IEnumerable<string[]> Read(string path)
    {
        string text = File.Exists(path) ? File.ReadAllText(path) : "";
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '));
    }
}
