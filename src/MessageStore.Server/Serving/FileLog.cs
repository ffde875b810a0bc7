using System.Globalization;
using System.Text;

namespace MessageStore.Server.Serving;

/// <summary>
/// The log as a file of lines, for a server without a console: time, level, category, text. At <see cref="LongestFile"/> the file is renamed to <c>.1</c> and a new one begun.
/// A log that cannot be written is no reason to stop serving mail.
/// </summary>
internal sealed class FileLog(string path, TimeProvider clock) : ILoggerProvider
{
    /// <summary>10 MB.</summary>
    private const long LongestFile = 10_000_000;

    private readonly Lock gate = new();
    private StreamWriter? writer = Open(path);

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose()
    {
        lock (gate)
        {
            writer?.Dispose();
            writer = null;
        }
    }

    private static StreamWriter Open(string path) => new(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };

    private void Write(LogLevel level, string category, string text)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"{clock.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {level} {category}: {text.ReplaceLineEndings("\n  ")}");
        lock (gate)
        {
            try
            {
                writer?.WriteLine(line);
                if (writer is { BaseStream.Length: > LongestFile }) Rotate();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return; // the disk may be full, and mail on it must still be read
            }
        }
    }

    private void Rotate()
    {
        writer!.Dispose();
        writer = null;
        File.Move(path, path + ".1", overwrite: true);
        writer = Open(path);
    }

    private sealed class Category(FileLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = new StringBuilder(formatter(state, exception));
            if (exception is not null) text.Append('\n').Append(exception);
            log.Write(logLevel, name, text.ToString());
        }
    }
}
