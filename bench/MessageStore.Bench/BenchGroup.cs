using System.Security.Cryptography;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>A storage group by itself, and a fast way to fill it: many appends under way at once, each durable as ever.</summary>
internal static class BenchGroup
{
    /// <summary>Appends under way at once: enough that a flush is shared by hundreds.</summary>
    private const int Window = 512;

    private static readonly GroupIdentity Identity = new(new Guid("0193e6a0-0000-7000-8000-000000000002"), "Bench", 0x5EED_0001);

    public static StorageGroup Create(string path, GroupOptions? options = null)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(path);
        StorageGroup.Create(DiskStorage.Instance, Identity, options ?? new GroupOptions(), Store(path), Log(path));
        return Open(path, options);
    }

    public static StorageGroup Open(string path, GroupOptions? options = null) =>
        StorageGroup.Open(DiskStorage.Instance, Identity, options ?? new GroupOptions(), Store(path), Log(path));

    /// <summary>What opening does before the committer starts.</summary>
    public static GroupRecovery Recovery(string path, GroupOptions options) => new(DiskStorage.Instance, Store(path), Log(path), Identity, options);

    /// <summary>Appends messages round-robin to mailboxes m0, m1 …, which are created where missing.</summary>
    /// <param name="prefix">What their names begin with: in a database no two groups have a mailbox of one name.</param>
    /// <returns>Their Ids.</returns>
    public static async Task<Guid[]> FillAsync(StorageGroup group, int messages, int size, int mailboxes = 100, string prefix = "m")
    {
        var numbers = new int[mailboxes];
        for (int m = 0; m < mailboxes; m++) (numbers[m], _) = await group.CreateMailboxAsync($"{prefix}{m}", CancellationToken.None).ConfigureAwait(false);
        byte[] bytes = Body(size);
        byte[] sha256 = SHA256.HashData(bytes);
        var ids = new Guid[messages];
        var window = new Task[Window];
        Array.Fill(window, Task.CompletedTask);
        for (int i = 0; i < messages; i++)
        {
            int place = i % Window;
            await window[place].ConfigureAwait(false);
            ids[i] = Guid.CreateVersion7();
            window[place] = AppendAsync(group, ids[i], numbers[i % mailboxes], i, bytes, sha256);
        }
        await Task.WhenAll(window).ConfigureAwait(false);
        return ids;
    }

    /// <param name="sha256">Digest of the bytes; <see langword="null"/> where nobody will read them.</param>
    public static Task AppendAsync(StorageGroup group, Guid id, int mailbox, int number, byte[] bytes, byte[]? sha256 = null)
    {
        var image = new ImageHeader
        {
            Id = id,
            DigestLow = sha256 is null ? UInt128Bytes.From(id) : UInt128Bytes.Read(sha256),
            DigestHigh = sha256 is null ? default : UInt128Bytes.Read(sha256.AsSpan(16)),
            ReceivedTicks = DateTimeOffset.UnixEpoch.UtcTicks + number,
            BodyLength = bytes.Length,
            Mailbox = mailbox,
        };
        var summary = new MessageSummary("Sender <sender@example.com>", "reader@example.com", $"message {number}", $"<{number}@bench>", null, null, false);
        return group.AppendAsync(image, summary, MessageBody.FromMemory(bytes), CancellationToken.None);
    }

    /// <summary>Flips the read flag of one message after the other.</summary>
    public static async Task FlagAsync(StorageGroup group, Guid[] ids, int transactions)
    {
        var window = new Task[Window];
        Array.Fill(window, Task.CompletedTask);
        for (int i = 0; i < transactions; i++)
        {
            int place = i % Window;
            await window[place].ConfigureAwait(false);
            bool set = i / ids.Length % 2 == 0;
            window[place] = group.CommitAsync(Transaction.Flags(ids[i % ids.Length], set ? EntryFlags.UserMask : 0, set ? 0 : EntryFlags.UserMask, group.Identity.Salt));
        }
        await Task.WhenAll(window).ConfigureAwait(false);
    }

    public static byte[] Body(int size) => RandomNumberGenerator.GetBytes(size);

    public static string Store(string path) => Path.Combine(path, "store");

    public static string Log(string path) => Path.Combine(path, "log");
}
