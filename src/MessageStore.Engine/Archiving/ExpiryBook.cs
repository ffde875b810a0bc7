namespace MessageStore.Archiving;

/// <summary>Gathers what an expiry run did in every mailbox. Not thread-safe.</summary>
internal sealed class ExpiryBook
{
    private readonly SortedDictionary<string, ExpiryReceipt> receipts = new(StringComparer.OrdinalIgnoreCase);

    public int FilesDeleted { get; set; }

    public int FilesRewritten { get; set; }

    public IReadOnlyList<ExpiryReceipt> Receipts => [.. receipts.Values];

    public void Removed(string mailbox) => With(mailbox, r => r with { Due = r.Due + 1, Removed = r.Removed + 1 });

    public void Due(string mailbox) => With(mailbox, r => r with { Due = r.Due + 1 });

    public void Held(string mailbox, string reason) => With(mailbox, r => r with { Due = r.Due + 1, Held = r.Held + 1, Reason = Add(r.Reason, $"Some are {reason}") });

    public void Failed(string mailbox, long count, string reason) => With(mailbox, r => r with { Due = r.Due + count, Failed = r.Failed + count, Reason = Add(r.Reason, reason) });

    /// <summary>An archive file that could not be written anew: the messages are gone, their bytes are not yet.</summary>
    public void NotFreed(string mailbox, string reason) => With(mailbox, r => r with { Failed = Math.Max(r.Failed, 1), Reason = Add(r.Reason, reason) });

    public void Reclaimed(string mailbox) => With(mailbox, r => r with { Reclaimed = r.Reclaimed + 1 });

    /// <summary>Records of deleted messages that a hold keeps; they are not due by their date, so they are not counted as held.</summary>
    public void Kept(string mailbox, string reason) => With(mailbox, r => r with { Reason = Add(r.Reason, $"Records of deleted messages are {reason}") });

    public void Note(string mailbox, string note) => With(mailbox, r => r with { Reason = Add(r.Reason, note) });

    public void Freed(string mailbox, long bytes) => With(mailbox, r => r with { BytesFreed = r.BytesFreed + bytes });

    private static string Add(string reasons, string reason) =>
        reasons.Contains(reason, StringComparison.Ordinal) ? reasons : reasons.Length == 0 ? reason : $"{reasons} {reason}";

    private void With(string mailbox, Func<ExpiryReceipt, ExpiryReceipt> change) =>
        receipts[mailbox] = change(receipts.GetValueOrDefault(mailbox) ?? new ExpiryReceipt { Mailbox = mailbox });
}
