using System.Buffers;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// A storage group as a backup has it, to be read where it lies: its messages with mailbox, folder and flags as of the last transaction in the backup. Of a damaged
/// backup it shows what is left. Holds the index in memory and nothing of the bodies.
/// </summary>
/// <remarks>
/// The index comes from the snapshot; transactions of logs and patches are applied to it by the same <see cref="Applier"/> that recovery uses, with places in the log
/// files where the committer would have written images: a log frame is the image, byte for byte.
/// </remarks>
internal sealed partial class BackupGroupView : IDisposable
{
    private readonly SegmentStore nowhere;
    private readonly GroupIdentity identity;
    private readonly BackupGroupFiles files;
    private readonly Dictionary<Guid, ScatteredImage> scattered = [];
    private readonly byte[] buffer = ArrayPool<byte>.Shared.Rent(ImageFrames.Longest);
    private MessageIndex index = new();
    private bool disposed;

    /// <param name="limit">Transactions beyond it are left out.</param>
    public BackupGroupView(IStorage storage, BackupGroupFiles files, GroupIdentity identity, ReplayLimit limit, CancellationToken cancellationToken)
    {
        this.files = files;
        this.identity = identity;
        nowhere = new SegmentStore(storage, "", identity, long.MaxValue); // nothing is ever placed in it
        IndexTables? tables = LoadIndex(cancellationToken);
        Replay(tables, limit, cancellationToken);
    }

    public GroupIdentity Identity => identity;

    public string Name => identity.Name;

    /// <summary>The newest transaction that was found.</summary>
    public ulong LastLsn { get; private set; }

    /// <summary>Its time, UTC ticks.</summary>
    public long LastTime { get; private set; }

    /// <summary>Whether the snapshot was whole. Where not, some messages have folder and flags of their arrival, and deleted ones may be back.</summary>
    public bool IsIndexWhole { get; private set; } = true;

    /// <summary>Transactions that should be in the logs and are not.</summary>
    public ulong MissingTransactions { get; private set; }

    public long MessageCount => index.MessageCount;

    public UInt128 StateDigest => index.Digest;

    /// <summary>Mailboxes with their folders, by number.</summary>
    public IEnumerable<MailboxState> Mailboxes => index.Mailboxes.Values;

    /// <summary>What the administrator said about mailboxes, such as holds.</summary>
    public IReadOnlyList<RecordTable> Records => index.AllRecords();

    /// <summary>The messages of a mailbox in order of arrival.</summary>
    public IEnumerable<IndexEntry> List(MailboxState mailbox)
    {
        for (int slot = mailbox.First; slot >= 0; slot = index.Entry(slot).Next) yield return index.Entry(slot);
    }

    public bool TryGet(Guid id, out IndexEntry entry)
    {
        int slot = index.Find(UInt128Bytes.From(id));
        entry = slot >= 0 ? index.Entry(slot) : default;
        return slot >= 0;
    }

    /// <summary>Reads a message with all its checksums.</summary>
    /// <param name="source">Where it was found whole, or was looked for first.</param>
    /// <returns>What is wrong; <see langword="null"/> where it is whole.</returns>
    public string? Verify(in IndexEntry entry, out ImageSource source, out ImageHeader image)
    {
        string? problem = null;
        ImageSource? first = null;
        image = default;
        foreach (ImageSource candidate in Sources(entry))
        {
            string? found;
            try
            {
                found = ImageFrames.Verify(candidate, entry, identity.Salt, buffer, out image, out _);
            }
            catch (MessageStoreException error) when (error.Kind == ErrorKind.Damaged)
            {
                found = error.Message; // a chunk of the layer
            }
            first ??= candidate;
            problem ??= found;
            if (found is not null) continue;
            source = candidate;
            return null;
        }
        source = first!;
        return problem ?? "the backup has nothing of its segment";
    }

    /// <summary>The subject of a message whose header and summary are whole; otherwise empty.</summary>
    public string SubjectOf(in IndexEntry entry)
    {
        int length = FrameHeader.Size + ImageHeader.Size + entry.SummaryLength;
        byte[] head = new byte[length];
        foreach (ImageSource source in Sources(entry))
        {
            try
            {
                if (source.Read(0, head) == length && ImageHeader.TryRead(head.AsSpan(FrameHeader.Size), identity.Salt, out ImageHeader image) && UInt128Bytes.From(image.Id) == entry.Id)
                    return SummaryCodec.Decode(head.AsSpan(FrameHeader.Size + ImageHeader.Size, image.SummaryLength)).Subject;
            }
            catch (Exception error) when (error is FormatException or MessageStoreException { Kind: ErrorKind.Damaged })
            {
                // A subject is for people; without it they have mailbox and Id.
            }
        }
        return "";
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        ArrayPool<byte>.Shared.Return(buffer);
        nowhere.Dispose();
    }

    private IEnumerable<ImageSource> Sources(IndexEntry entry)
    {
        if (scattered.TryGetValue(entry.Id.ToGuid(), out ScatteredImage? parts) && entry.Segment < 0)
        {
            yield return parts;
            yield break;
        }
        if (entry.Segment < 0)
        {
            yield return new ContiguousImage(files.Logs[-entry.Segment - 1], entry);
            yield break;
        }
        if (files.Segments.TryGetValue(entry.Segment, out PiecedFile? segment)) yield return new ContiguousImage(segment, entry);
        if (files.SegmentsFromEnd.TryGetValue(entry.Segment, out segment)) yield return new ContiguousImage(segment, entry);
    }

    private IndexTables? LoadIndex(CancellationToken cancellationToken)
    {
        try
        {
            return IndexSnapshot.Load(files.Snapshot, identity, index);
        }
        catch (Exception error) when (error is FormatException or MessageStoreException { Kind: ErrorKind.Damaged })
        {
            IsIndexWhole = false;
            index = new MessageIndex(); // the old one may be half full
            SnapshotRemains remains = SnapshotRemains.Read(files.Snapshot, identity);
            if (remains.Tables is { } tables) index.LoadTables(tables with { Mailboxes = [.. tables.Mailboxes.Select(m => m with { First = -1, Last = -1 })] });
            foreach (IndexEntry entry in remains.Entries) Add(entry);
            FindUnindexed(cancellationToken);
            return remains.Tables;
        }
    }

    /// <summary>Adds a message, with a mailbox and a folder where their names are lost.</summary>
    private void Add(IndexEntry entry)
    {
        if (index.Find(entry.Id) >= 0) return;
        if (index.FindMailbox(entry.Mailbox) is null) index.AddMailbox(entry.Mailbox, string.Create(CultureInfo.InvariantCulture, $"recovered-{entry.Mailbox}"));
        for (int folder = index.FindMailbox(entry.Mailbox)!.Folders.Count; folder <= entry.Folder; folder++)
            index.AddFolder(entry.Mailbox, folder, string.Create(CultureInfo.InvariantCulture, $"recovered-{folder}"));
        index.Add(entry);
    }
}
