using System.Globalization;

namespace MessageStore.Messages;

/// <summary>
/// Which names mailboxes, folders and storage groups may have. Names are free text in any script and are compared by
/// <see cref="Comparer"/>; they never become file names except through <see cref="FileNames.Escape"/>.
/// </summary>
/// <remarks>
/// Refused in every name: nothing at all, more than <see cref="StoreLimits.NameLength"/> UTF-16 units, control characters and line separators, half a
/// surrogate pair, white space at either end, nothing but dots. Mailboxes and groups may not hold <c>/</c> or <c>\</c>. A folder may hold
/// <c>/</c> as the separator of a hierarchy; then every part of it obeys the same rules. Names are kept as they were given: no Unicode
/// normalization, since it differs between hosts with and without ICU.
/// </remarks>
public static class MailboxNames
{
    private const int NameShown = 64;

    /// <summary>Two names that differ in letter case only are one name.</summary>
    public static StringComparer Comparer => StringComparer.OrdinalIgnoreCase;

    /// <summary>Returns the name where a mailbox may have it.</summary>
    /// <exception cref="MessageStoreException">InvalidName.</exception>
    public static string CheckMailbox(string? name) => CheckWithoutSeparators("mailbox", name);

    /// <summary>Returns the name where a storage group may have it.</summary>
    /// <exception cref="MessageStoreException">InvalidName.</exception>
    public static string CheckStorageGroup(string? name) => CheckWithoutSeparators("storage group", name);

    /// <summary>Returns the name where a folder may have it; <c>inbox</c> in any letter case becomes <see cref="StoreLimits.Inbox"/>.</summary>
    /// <exception cref="MessageStoreException">InvalidName.</exception>
    public static string CheckFolder(string? name)
    {
        string checkedName = CheckText("folder", name);
        if (checkedName.Contains('/'))
        {
            foreach (string part in checkedName.Split('/'))
            {
                if (part.Length == 0) throw Invalid("folder", checkedName, "has an empty part between, before or after its separators '/'");
                CheckEnds("folder", checkedName, part);
            }
        }
        return Comparer.Equals(checkedName, StoreLimits.Inbox) ? StoreLimits.Inbox : checkedName;
    }

    private static string CheckWithoutSeparators(string what, string? name)
    {
        string checkedName = CheckText(what, name);
        int at = checkedName.AsSpan().IndexOfAny('/', '\\');
        if (at >= 0) throw Invalid(what, checkedName, $"holds '{checkedName[at]}' at position {at + 1}");
        return checkedName;
    }

    private static string CheckText(string what, string? name)
    {
        if (string.IsNullOrWhiteSpace(name)) throw Invalid(what, name ?? "", "is empty");
        if (name.Length > StoreLimits.NameLength)
            throw Invalid(what, name, $"is {name.Length} characters long; {StoreLimits.NameLength} is the limit");
        for (int at = 0; at < name.Length; at++)
        {
            char c = name[at];
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
                throw Invalid(what, name, string.Create(CultureInfo.InvariantCulture, $"holds the control character U+{(int)c:X4} at position {at + 1}"));
            if (!char.IsSurrogate(c)) continue;
            if (!char.IsHighSurrogate(c) || at + 1 == name.Length || !char.IsLowSurrogate(name[at + 1]))
                throw Invalid(what, name, string.Create(CultureInfo.InvariantCulture, $"holds half a surrogate pair, U+{(int)c:X4}, at position {at + 1}"));
            at++;
        }
        CheckEnds(what, name, name);
        return name;
    }

    private static void CheckEnds(string what, string name, string part)
    {
        if (char.IsWhiteSpace(part[0]) || char.IsWhiteSpace(part[^1])) throw Invalid(what, name, "begins or ends with white space");
        if (!part.AsSpan().ContainsAnyExcept('.')) throw Invalid(what, name, "is nothing but dots");
    }

    private static MessageStoreException Invalid(string what, string name, string why)
    {
        // The name itself may be what spoils a terminal or a log.
        string shown = new([.. name.Take(NameShown).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '\uFFFD' : c)]);
        if (name.Length > NameShown) shown += "…";
        return new MessageStoreException(ErrorIds.InvalidName, ErrorKind.InvalidArgument, $"'{shown}' cannot be the name of a {what}: it {why}.", name);
    }
}
