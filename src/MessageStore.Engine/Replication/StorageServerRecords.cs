namespace MessageStore.Replication;

/// <summary>What a storage server record must look like, whatever directory holds it.</summary>
internal static class StorageServerRecords
{
    public const int NameLength = 32;

    /// <summary>Most units of a node.</summary>
    public const int UnitLimit = 64;

    private const int UrlLength = 512;

    public static bool IsName(string? name) =>
        name is { Length: > 0 and <= NameLength } && name[0] != '-' && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <exception cref="MessageStoreException">InvalidParameter, naming what is wrong.</exception>
    public static void Check(StorageServerRecord record)
    {
        if (Problem(record) is { } problem)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"The record of storage node '{record.Name}' makes no sense: {problem}", record.Name);
    }

    /// <summary>What is wrong with a record, for people; <see langword="null"/> where nothing is.</summary>
    public static string? Problem(StorageServerRecord record)
    {
        if (!IsName(record.Name)) return $"its name must be 1 to {NameLength} small letters, digits and hyphens.";
        if (record.Url is not { Length: <= UrlLength } || !Uri.TryCreate(record.Url, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https")
            || url.PathAndQuery != "/" || url.Fragment.Length > 0 || url.UserInfo.Length > 0)
            return $"its URL must be http or https with host and port and nothing else, and is '{record.Url}'.";
        if (record.Group is < 0 or > ushort.MaxValue) return $"its group is {record.Group} and must be 0 to {ushort.MaxValue}.";
        if (record.Weight is < 0 or > ushort.MaxValue) return $"its weight is {record.Weight} and must be 0 to {ushort.MaxValue}.";
        if (record.Units is not { Count: > 0 and <= UnitLimit }) return $"it must have 1 to {UnitLimit} units.";
        if (record.Units.FirstOrDefault(u => !IsName(u.Name)) is { } unnamed) return $"the unit name '{unnamed.Name}' must be 1 to {NameLength} small letters, digits and hyphens.";
        return record.Units.Select(u => u.Name).Distinct().Count() == record.Units.Count ? null : "two of its units have one name.";
    }
}
