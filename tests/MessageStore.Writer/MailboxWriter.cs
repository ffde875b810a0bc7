using System.Security.Cryptography;
using MessageStore.Messages;

namespace MessageStore.Writer;

/// <summary>One writer: changes one mailbox as a user would, one thing after the other, and notes each once it is acknowledged.</summary>
internal sealed class MailboxWriter(IMessageStore store, AckJournal journal, string mailbox, string run, Random random)
{
    /// <summary>With more messages than this it deletes as many as it stores, so that all can be compared after every round.</summary>
    private const int LiveLimit = 400;

    private static readonly DateTimeOffset Oldest = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly List<Guid> live = [];
    private int number;

    /// <summary>What this writer stored and did not delete, with the SHA-256 of each.</summary>
    public Dictionary<Guid, string> Stored { get; } = [];

    public string Mailbox => mailbox;

    public async Task FindOldMailAsync()
    {
        try
        {
            await foreach (StoredMessage message in store.ListAsync(new MessageQuery { Mailbox = mailbox }).ConfigureAwait(false)) live.Add(message.Id);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MailboxNotFound)
        {
            // The first round.
        }
    }

    public async Task StepAsync()
    {
        int choice = random.Next(100);
        if (live.Count > LiveLimit && choice < 50) await DeleteAsync(random.Next(live.Count)).ConfigureAwait(false);
        else if (live.Count < 20 || choice < 80) await AppendAsync().ConfigureAwait(false);
        else if (choice < 85) await store.MoveAsync(live[random.Next(live.Count)], $"Folder {random.Next(4)}").ConfigureAwait(false);
        else if (choice < 92) await MarkReadAsync(live[random.Next(live.Count)]).ConfigureAwait(false);
        else await DeleteAsync(random.Next(live.Count)).ConfigureAwait(false);
    }

    private async Task AppendAsync()
    {
        byte[] bytes = WriterMail.Make($"{run}.{mailbox}.{number++}", random);
        using MessageBody body = MessageBody.FromMemory(bytes);
        StoredMessage stored = await store.AppendAsync(new MessageToAppend
        {
            Mailbox = mailbox, Body = body, ReceivedDate = Oldest.AddDays(random.Next(2000)),
        }).ConfigureAwait(false);
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        journal.Write('A', stored.Id, sha256, mailbox);
        Stored[stored.Id] = sha256;
        live.Add(stored.Id);
    }

    private async Task MarkReadAsync(Guid id)
    {
        await store.SetFlagsAsync(id, MessageFlags.Read, MessageFlags.None).ConfigureAwait(false);
        journal.Write('F', id);
    }

    private async Task DeleteAsync(int index)
    {
        Guid id = live[index];
        journal.Write('d', id);
        live[index] = live[^1];
        live.RemoveAt(live.Count - 1);
        await store.DeleteAsync(id).ConfigureAwait(false);
        Stored.Remove(id);
        journal.Write('D', id);
    }
}
