using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace MessageStore.Archiving;

/// <summary>Gathers what a run did in every mailbox. Thread-safe.</summary>
internal sealed class ReceiptBook
{
    /// <summary>Different reasons that a mailbox's receipt tells: each damaged message has one of its own, and there may be a million.</summary>
    public const int MostReasons = 100;

    private readonly ConcurrentDictionary<string, Page> pages = new(StringComparer.OrdinalIgnoreCase);

    public void Matched(string mailbox, long count, long bytes) => With(mailbox, p =>
    {
        p.Matched += count;
        p.Bytes += bytes;
    });

    public void Moved(string mailbox, long count, long bytes, long archiveBytes) => With(mailbox, p =>
    {
        p.Moved += count;
        p.Bytes += bytes;
        p.ArchiveBytes += archiveBytes;
    });

    public void Skip(string mailbox, long count, string reason) => With(mailbox, p =>
    {
        p.Skipped += count;
        p.Add(reason);
    });

    public void Fail(string mailbox, long count, string reason) => With(mailbox, p =>
    {
        p.Failed += count;
        p.HasFailed = true;
        p.Add(reason);
    });

    public void Note(string mailbox, string note) => With(mailbox, p => p.Add(note));

    /// <summary>One receipt for each mailbox in which something was found, done or failed, by name.</summary>
    public List<ArchiveReceipt> Receipts() => [.. pages
        .OrderBy(p => p.Key, StringComparer.OrdinalIgnoreCase)
        .Select(p => new ArchiveReceipt
        {
            Mailbox = p.Key,
            Matched = p.Value.Matched,
            Moved = p.Value.Moved,
            Skipped = p.Value.Skipped,
            // A mailbox that failed as a whole, before a single message was counted, must not look like one in which nothing failed.
            Failed = p.Value.HasFailed ? Math.Max(p.Value.Failed, 1) : 0,
            Bytes = p.Value.Bytes,
            ArchiveBytes = p.Value.ArchiveBytes,
            Reason = p.Value.Reason,
            Duration = p.Value.Watch.Elapsed,
        })];

    /// <summary>Ends the clock of a mailbox.</summary>
    public void Done(string mailbox) => With(mailbox, p => p.Watch.Stop());

    private void With(string mailbox, Action<Page> write)
    {
        Page page = pages.GetOrAdd(mailbox, _ => new Page());
        lock (page) write(page);
    }

    private sealed class Page
    {
        public long Matched, Moved, Skipped, Failed, Bytes, ArchiveBytes;
        public bool HasFailed;
        public readonly Stopwatch Watch = Stopwatch.StartNew();
        private readonly List<string> reasons = [];
        private long further;
        private string last = "";

        public string Reason => string.Join(" ", reasons) + (further > 0 ? string.Create(CultureInfo.InvariantCulture, $" {further:N0} more are left out here; the last: {last}") : "");

        public void Add(string reason)
        {
            if (reasons.Contains(reason)) return;
            if (reasons.Count < MostReasons)
            {
                reasons.Add(reason);
                return;
            }
            further++;
            last = reason; // what ended the mailbox comes last
        }
    }
}
