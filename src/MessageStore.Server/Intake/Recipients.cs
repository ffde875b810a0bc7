using MessageStore.Messages;

namespace MessageStore.Server.Intake;

/// <summary>Where a copy of a message goes.</summary>
internal readonly record struct Destination(string Mailbox, string Folder);

/// <summary>Finds the mailboxes behind an address.</summary>
/// <param name="options">The rules.</param>
/// <param name="look">Says of a mailbox whether it is there; <see langword="null"/> where that cannot be said now.</param>
internal sealed class Recipients(RecipientOptions options, Func<string, bool?> look)
{
    private const int LongestChain = 8;

    /// <summary>Finds where mail for an address goes.</summary>
    /// <returns>The destinations, or the reply that refuses the recipient.</returns>
    public (IReadOnlyList<Destination> Destinations, Reply? Refusal) Resolve(MailAddress address)
    {
        var found = new List<Destination>();
        Reply? refusal = Resolve(address, found, 0);
        return refusal is null && found.Count > 0 ? (found, null) : ([], refusal ?? Reply.NoSuchMailbox);
    }

    private Reply? Resolve(MailAddress address, List<Destination> found, int depth)
    {
        if (depth > LongestChain) return Reply.AliasLoop;
        // An alias may name an address of another domain of ours, but is itself looked for before the domain is.
        if (options.Aliases.TryGetValue(address.ToString(), out IReadOnlyList<string>? targets) || (address.Domain.Length == 0 || IsOurs(address.Domain)) && options.Aliases.TryGetValue(address.LocalPart, out targets))
        {
            foreach (string target in targets)
            {
                if (MailAddress.TryParse(target, allowUnicode: true) is not { } next) return Reply.AliasLoop;
                if (Resolve(next, found, depth + 1) is { } refused) return refused;
            }
            return null;
        }
        if (address.Domain.Length > 0 && !IsOurs(address.Domain)) return Reply.RelayDenied;
        string folder = StoreLimits.Inbox;
        switch (look(NameOf(address)))
        {
            case true:
                break;
            case null:
                return Reply.TryLater;
            default:
                if (Detail(address) is { } detail)
                {
                    (address, folder) = detail;
                    return Resolve(address, found, folder, depth);
                }
                if (options.Unknown == UnknownRecipients.Refuse || !IsName(NameOf(address))) return Reply.NoSuchMailbox;
                break;
        }
        Add(found, new Destination(NameOf(address), folder));
        return null;
    }

    /// <summary>As above, for the mailbox that stands before a folder.</summary>
    private Reply? Resolve(MailAddress address, List<Destination> found, string folder, int depth)
    {
        var own = new List<Destination>();
        if (new Recipients(options with { Separator = "" }, look).Resolve(address, own, depth + 1) is { } refused) return refused;
        foreach (Destination destination in own) Add(found, destination with { Folder = folder });
        return null;
    }

    /// <summary>Parts <c>user+folder@domain</c>; a folder that cannot be one is the inbox.</summary>
    private (MailAddress Address, string Folder)? Detail(MailAddress address)
    {
        int at = options.Separator.Length == 0 ? -1 : address.LocalPart.IndexOf(options.Separator, StringComparison.Ordinal);
        if (at <= 0) return null;
        string folder = address.LocalPart[(at + options.Separator.Length)..];
        try
        {
            folder = MailboxNames.CheckFolder(folder);
        }
        catch (MessageStoreException)
        {
            folder = StoreLimits.Inbox;
        }
        return (address with { LocalPart = address.LocalPart[..at] }, folder);
    }

    private string NameOf(MailAddress address) => options.Naming == MailboxNaming.LocalPart || address.Domain.Length == 0 ? address.LocalPart : address.ToString();

    private bool IsOurs(string domain) => options.Domains.Count == 0 || options.Domains.Contains(domain, StringComparer.OrdinalIgnoreCase);

    private static bool IsName(string name)
    {
        try
        {
            MailboxNames.CheckMailbox(name);
            return true;
        }
        catch (MessageStoreException)
        {
            return false;
        }
    }

    /// <summary>Somebody who is named twice gets one copy.</summary>
    private static void Add(List<Destination> found, Destination destination)
    {
        if (!found.Exists(d => MailboxNames.Comparer.Equals(d.Mailbox, destination.Mailbox) && MailboxNames.Comparer.Equals(d.Folder, destination.Folder))) found.Add(destination);
    }
}
