using System.Diagnostics.CodeAnalysis;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Storage;

internal sealed partial class StorageGroup
{
    /// <summary>How many entries a listing takes at a time while it holds the index's lock.</summary>
    private const int ListingBlock = 256;

    /// <summary>The names of all mailboxes.</summary>
    public IReadOnlyList<string> MailboxNames()
    {
        lock (index.Gate) return [.. index.Mailboxes.Values.Select(m => m.Name)];
    }

    public int GetMailboxCount()
    {
        lock (index.Gate) return index.Mailboxes.Count;
    }

    public bool TryFindMailbox(string name, out int number)
    {
        lock (index.Gate)
        {
            number = index.FindMailbox(name)?.Number ?? 0;
            return number != 0;
        }
    }

    /// <summary>A mailbox's number and its name as it was created, whose letter case may differ.</summary>
    public bool TryFindMailbox(string name, out int number, out string canonical)
    {
        lock (index.Gate)
        {
            MailboxState? mailbox = index.FindMailbox(name);
            number = mailbox?.Number ?? 0;
            canonical = mailbox?.Name ?? "";
            return mailbox is not null;
        }
    }

    public MailboxInfo Mailbox(string name, out int number)
    {
        lock (index.Gate)
        {
            MailboxState mailbox = index.FindMailbox(name) ?? throw new MessageStoreException(
                ErrorIds.MailboxNotFound, ErrorKind.NotFound, $"There is no mailbox '{name}'.", name);
            number = mailbox.Number;
            return new MailboxInfo
            {
                Name = mailbox.Name,
                StorageGroup = Name,
                MessageCount = mailbox.MessageCount,
                ArchivedMessageCount = mailbox.ArchivedCount,
                HotBytes = mailbox.HotBytes,
                ArchivedBytes = mailbox.ArchivedBytes,
                Folders = [.. mailbox.Folders.Select(f => new FolderInfo(f.Name, f.MessageCount))],
            };
        }
    }

    /// <summary>The folder names of a mailbox by number; empty where it is gone.</summary>
    public IReadOnlyList<string> FolderNames(int mailbox)
    {
        lock (index.Gate) return [.. index.FindMailbox(mailbox)?.Folders.Select(f => f.Name) ?? []];
    }

    public bool TryFindFolder(int mailbox, string folder, out ushort number)
    {
        lock (index.Gate)
        {
            int found = index.FindMailbox(mailbox)?.FindFolder(folder) ?? -1;
            number = (ushort)Math.Max(found, 0);
            return found >= 0;
        }
    }

    public bool TryGet(Guid id, out IndexEntry entry)
    {
        lock (index.Gate)
        {
            int slot = index.Find(UInt128Bytes.From(id));
            entry = slot >= 0 ? index.Entry(slot) : default;
            return slot >= 0;
        }
    }

    /// <summary>
    /// The entries of a mailbox in order of arrival, as they are when the listing comes to them. Messages that arrive after it began are
    /// left out as far as the one that was last then.
    /// </summary>
    public IEnumerable<IndexEntry> List(int mailboxNumber)
    {
        var block = new IndexEntry[ListingBlock];
        int cursor, last;
        lock (index.Gate)
        {
            if (index.FindMailbox(mailboxNumber) is not { } mailbox || mailbox.First < 0) yield break;
            cursor = mailbox.First;
            last = mailbox.Last;
            index.BeginListing();
        }
        try
        {
            bool ended = false;
            while (cursor >= 0 && !ended)
            {
                int count = 0;
                lock (index.Gate)
                {
                    for (int visited = 0; cursor >= 0 && !ended && visited < ListingBlock; visited++)
                    {
                        ref readonly IndexEntry entry = ref index.Entry(cursor);
                        if (entry.IsInUse) block[count++] = entry;
                        ended = cursor == last;
                        cursor = entry.Next;
                    }
                }
                for (int i = 0; i < count; i++) yield return block[i];
            }
        }
        finally
        {
            lock (index.Gate) index.EndListing();
        }
    }

    /// <summary>Mailbox and folder names of an entry; <see langword="false"/> where the mailbox has gone.</summary>
    public bool TryName(in IndexEntry entry, [NotNullWhen(true)] out string? mailbox, [NotNullWhen(true)] out string? folder)
    {
        mailbox = folder = null;
        lock (index.Gate)
        {
            if (index.FindMailbox(entry.Mailbox) is not { } state || entry.Folder >= state.Folders.Count) return false;
            mailbox = state.Name;
            folder = state.Folders[entry.Folder].Name;
            return true;
        }
    }

    /// <summary>Image header and summary of a message, verified, without its body.</summary>
    /// <returns><see langword="null"/> where the message was removed or moved in the meantime: look it up again.</returns>
    /// <exception cref="MessageStoreException">MessageDamaged.</exception>
    public (ImageHeader Image, MessageSummary Summary)? ReadSummary(in IndexEntry entry)
    {
        using Segment? segment = Acquire(entry.Segment);
        if (segment is null) return null;
        int length = FrameHeader.Size + ImageHeader.Size + entry.SummaryLength;
        byte[]? rented = null;
        Span<byte> bytes = length <= 1024 ? stackalloc byte[length] : (rented = System.Buffers.ArrayPool<byte>.Shared.Rent(length)).AsSpan(0, length);
        try
        {
            int read = ReadDevice(segment, bytes, entry.Offset);
            if (read < length || !FrameHeader.TryRead(bytes, Identity.Salt, out _)
                || !ImageHeader.TryRead(bytes[FrameHeader.Size..], Identity.Salt, out ImageHeader image)
                || UInt128Bytes.From(image.Id) != entry.Id || image.SummaryLength != entry.SummaryLength)
                throw MessageDamaged(entry, segment);
            return (image, SummaryCodec.Decode(bytes.Slice(FrameHeader.Size + ImageHeader.Size, image.SummaryLength)));
        }
        finally
        {
            if (rented is not null) System.Buffers.ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Opens the body of a hot message. Every frame's checksum is verified before its bytes are handed out.</summary>
    /// <returns><see langword="null"/> where the message was removed or archived in the meantime: look it up again.</returns>
    public Stream? OpenBody(in IndexEntry entry)
    {
        Segment? segment = Acquire(entry.Segment);
        return segment is null ? null : new ImageStream(segment, entry, Identity);
    }

    /// <summary>A segment for reading; <see langword="null"/> where it is gone, but not because the group is.</summary>
    private Segment? Acquire(int number)
    {
        Segment? segment = segments.Acquire(number);
        if (segment is null) ThrowIfRetired();
        return segment;
    }

    /// <summary>The body of a hot message of up to 1 MiB into a buffer, verified.</summary>
    internal static int ReadDevice(Segment segment, Span<byte> buffer, long offset)
    {
        try
        {
            return segment.File.ReadFully(buffer, offset);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading", segment.File.Path);
        }
    }

    internal static MessageStoreException MessageDamaged(in IndexEntry entry, Segment segment) => new(
        ErrorIds.MessageDamaged, ErrorKind.Damaged,
        $"Message {entry.Id.ToGuid()} is damaged in {segment.File.Path} at offset {entry.Offset}. Take it from a backup.", entry.Id.ToGuid());

    internal static MessageStoreException Gone(in IndexEntry entry) => new(ErrorIds.MessageDamaged, ErrorKind.Damaged,
        $"Message {entry.Id.ToGuid()} does not match its digest, or is not where the index says.", entry.Id.ToGuid());

    /// <summary>The share of all mailbox and folder names, and of records, in the state digest.</summary>
    public UInt128 NamesDigest()
    {
        UInt128 sum = 0;
        lock (index.Gate)
        {
            foreach (MailboxState mailbox in index.Mailboxes.Values)
            {
                sum += Storage.StateDigest.OfName(mailbox.Number, ushort.MaxValue, mailbox.Name);
                for (int folder = 0; folder < mailbox.Folders.Count; folder++)
                    sum += Storage.StateDigest.OfName(mailbox.Number, (ushort)folder, mailbox.Folders[folder].Name);
            }
            sum += index.RecordsDigest();
        }
        return sum;
    }

    private MailboxState Mailbox(string name)
    {
        lock (index.Gate)
            return index.FindMailbox(name) ?? throw new MessageStoreException(ErrorIds.MailboxNotFound, ErrorKind.NotFound, $"There is no mailbox '{name}'.", name);
    }
}
