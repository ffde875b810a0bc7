namespace MessageStore.Tests.Keys;

/// <summary>Archive keys made from numbers: the same number is the same key, and no two numbers are alike.</summary>
internal static class SampleKeys
{
    public static ArchiveKey Key(int number)
    {
        var id = new byte[16];
        new Random(number).NextBytes(id);
        return new ArchiveKey
        {
            Id = new Guid(id),
            Mailbox = $"kärl{number % 7}@example.org",
            Target = "files",
            Unit = "/nas/archive",
            Volume = $"karl{number % 7}/2026-0{1 + number % 9}.mbox.gz",
            Offset = number * 1000L,
            Length = 900 + number,
            Sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(id)),
            StorageDate = new DateTimeOffset(2026, 1 + number % 9, 3, 4, 5, 6, TimeSpan.Zero).AddTicks(number),
            DeletedDate = number % 5 == 0 ? new DateTimeOffset(2027, 1, 1 + number % 28, 0, 0, 0, TimeSpan.Zero) : null,
            DeletionDate = number % 3 == 0 ? null : new DateTimeOffset(2036, 1, 1 + number % 28, 0, 0, 0, TimeSpan.Zero),
        };
    }

    public static ArchiveKey[] Keys(int count) => [.. Enumerable.Range(0, count).Select(Key)];
}
