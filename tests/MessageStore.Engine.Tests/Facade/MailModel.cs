using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>A message as it must be. Bodies are all different, so the digest names it, also before anybody was told its Id.</summary>
internal sealed record ModelMail(string Sha256, Guid Id, string Mailbox, string Folder, MessageFlags Flags, long Size);

/// <summary>
/// What a database must hold, in plain collections, and what may or may not be so because its caller never got an answer. Many writers at once, as long as no
/// two of them change the same message.
/// </summary>
internal sealed class MailModel
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, ModelMail> messages = [];
    private readonly List<Doubt> doubts = [];

    /// <summary>Changes that were acknowledged.</summary>
    public int Acknowledged { get; private set; }

    public int Count
    {
        get
        {
            lock (gate) return messages.Count;
        }
    }

    /// <summary>A copy that stands still.</summary>
    public MailModel Copy()
    {
        var copy = new MailModel();
        lock (gate)
        {
            foreach ((string digest, ModelMail mail) in messages) copy.messages.Add(digest, mail);
            copy.doubts.AddRange(doubts);
        }
        return copy;
    }

    /// <summary>A copy in which a mailbox is as it was in another.</summary>
    public MailModel CopyWith(string mailbox, MailModel then)
    {
        MailModel copy = Copy();
        foreach (ModelMail mail in Of(mailbox)) copy.messages.Remove(mail.Sha256);
        foreach (ModelMail mail in then.Of(mailbox)) copy.messages.Add(mail.Sha256, mail);
        return copy;
    }

    /// <summary>The messages of a mailbox that nothing is under way with.</summary>
    public List<ModelMail> Of(string mailbox)
    {
        lock (gate) return [.. messages.Values.Where(m => m.Mailbox == mailbox && !doubts.Exists(d => d.Sha256 == m.Sha256)).OrderBy(m => m.Sha256, StringComparer.Ordinal)];
    }

    /// <summary>The messages of these Ids.</summary>
    public List<ModelMail> Find(IReadOnlySet<Guid> ids)
    {
        lock (gate) return [.. messages.Values.Where(m => ids.Contains(m.Id)).OrderBy(m => m.Sha256, StringComparer.Ordinal)];
    }

    /// <summary>Carries a change out. Until it has answered, and after an error for good, either side of it is right.</summary>
    /// <param name="before">What is there; <see langword="null"/> for nothing.</param>
    /// <param name="after">What is to be there; <see langword="null"/> for nothing.</param>
    /// <param name="change">Makes the change and returns the message's Id.</param>
    public async Task ChangeAsync(ModelMail? before, ModelMail? after, Func<Task<Guid>> change)
    {
        var doubt = new Doubt((before ?? after)!.Sha256, after);
        lock (gate) doubts.Add(doubt);
        Guid id = await change();
        lock (gate)
        {
            doubts.Remove(doubt);
            Set(doubt.Sha256, after is null ? null : after with { Id = id });
            Acknowledged++;
        }
    }

    /// <summary>Carries out what removes all these messages at once.</summary>
    public async Task RemoveAsync(IReadOnlyList<ModelMail> gone, Func<Task> remove)
    {
        List<Doubt> all = [.. gone.Select(m => new Doubt(m.Sha256, null))];
        lock (gate) doubts.AddRange(all);
        await remove();
        lock (gate)
        {
            foreach (Doubt doubt in all)
            {
                doubts.Remove(doubt);
                messages.Remove(doubt.Sha256);
            }
            Acknowledged++;
        }
    }

    /// <summary>Compares with all that a database shows; what is in doubt may be either way.</summary>
    /// <exception cref="InvariantException">Something acknowledged is lost, or something is there that must not be.</exception>
    public void Compare(IReadOnlyCollection<StoredMessage> found)
    {
        lock (gate)
        {
            var seen = new Dictionary<string, ModelMail>();
            foreach (StoredMessage message in found)
                if (!seen.TryAdd(message.Sha256, Mail(message))) throw new InvariantException($"Message {message.Id} is there twice.");
            foreach (string digest in messages.Keys.Concat(doubts.Select(d => d.Sha256)).Concat(seen.Keys).Distinct())
            {
                ModelMail? actual = seen.GetValueOrDefault(digest);
                if (!Possible(digest).Any(p => Same(p, actual)))
                    throw new InvariantException($"Expected {string.Join(" or ", Possible(digest).Select(Text))}, found {Text(actual)}.");
            }
        }
    }

    /// <summary>Compares what the index says, where images may be damaged: every message by its Id in its place, with its flags.</summary>
    /// <exception cref="InvariantException">One is missing, or is not as it should be, or was never there.</exception>
    public void CompareEntries(IReadOnlyCollection<StoredMessage> found)
    {
        lock (gate)
        {
            var byId = messages.Values.ToDictionary(m => m.Id);
            foreach (StoredMessage message in found)
            {
                if (!byId.Remove(message.Id, out ModelMail? mail)) throw new InvariantException($"Message {message.Id} is there twice, or should not be there.");
                if ((message.Mailbox, message.Folder, message.Flags) != (mail.Mailbox, mail.Folder, mail.Flags)) throw new InvariantException($"Expected {Text(mail)}, found {Text(Mail(message))}.");
            }
            if (byId.Count > 0) throw new InvariantException($"{byId.Count} messages are missing, {byId.Keys.First()} among them.");
        }
    }

    /// <summary>The digest of a message that is there.</summary>
    public string Sha256Of(Guid id)
    {
        lock (gate) return messages.Values.Single(m => m.Id == id).Sha256;
    }

    /// <summary>After <see cref="Compare"/> on a database that was opened again: what is in doubt is decided for good.</summary>
    public void Settle(IReadOnlyCollection<StoredMessage> found)
    {
        Compare(found);
        lock (gate)
        {
            var seen = found.ToDictionary(m => m.Sha256, Mail);
            foreach (Doubt doubt in doubts) Set(doubt.Sha256, seen.GetValueOrDefault(doubt.Sha256));
            doubts.Clear();
        }
    }

    private IEnumerable<ModelMail?> Possible(string digest)
    {
        yield return messages.GetValueOrDefault(digest);
        foreach (Doubt doubt in doubts)
            if (doubt.Sha256 == digest) yield return doubt.After;
    }

    private static bool Same(ModelMail? expected, ModelMail? actual) =>
        expected is null || actual is null ? expected == actual : expected == actual || (expected.Id == Guid.Empty && expected == actual with { Id = Guid.Empty });

    private static string Text(ModelMail? mail) => mail is null ? "nothing" : $"{mail.Id} in {mail.Mailbox}/{mail.Folder} [{mail.Flags}] {mail.Size} bytes, {(mail.Sha256.Length > 0 ? mail.Sha256[..8] : "damaged")}";

    private static ModelMail Mail(StoredMessage m) => new(m.Sha256, m.Id, m.Mailbox, m.Folder, m.Flags, m.Size);

    private void Set(string digest, ModelMail? mail)
    {
        if (mail is null) messages.Remove(digest);
        else messages[digest] = mail;
    }

    /// <summary>A change that has not answered; what is there without it is in <see cref="messages"/>.</summary>
    private sealed record Doubt(string Sha256, ModelMail? After);
}
