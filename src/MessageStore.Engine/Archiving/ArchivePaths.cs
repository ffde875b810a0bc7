using System.Globalization;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Archiving;

/// <summary>Where in the archive folder things lie: <c>&lt;mailbox&gt;/&lt;yyyy-MM&gt;.mbox.gz</c>.</summary>
internal static class ArchivePaths
{
    /// <summary>Ending of archive files.</summary>
    public const string Suffix = ".mbox.gz";

    /// <summary>What stands between the name of an archive file and the time in the name of what was set aside of it.</summary>
    private const string Aside = ".damaged-";

    /// <summary>The folder of a mailbox, relative.</summary>
    public static string FolderOf(string mailbox)
    {
        string name = FileNames.Escape(mailbox);

        // The files in the archive folder itself must not meet a mailbox of their name; "%61" is never made of an "a" otherwise, but for device names.
        return name switch
        {
            ArchiveMarker.FileName => "%61" + name[1..],
            TombstoneFile.FileName => "%74" + name[1..],
            _ => name,
        };
    }

    /// <summary>The volume that a mailbox's records of a storage date go to: relative, with forward slashes.</summary>
    /// <param name="generation">1 for the first of a month; each time it is rewritten without what has expired, the next.</param>
    public static string VolumeOf(string mailbox, DateTimeOffset storageDate, int generation = 1) =>
        Generation(FolderOf(mailbox) + "/" + storageDate.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture) + Suffix, generation);

    /// <summary>The mailbox's folder of a volume.</summary>
    public static string MailboxFolderOf(string volume) => volume[..volume.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>A volume's name in another generation: <c>2026-07.mbox.gz</c>, then <c>2026-07.2.mbox.gz</c> and so on.</summary>
    public static string Generation(string volume, int generation)
    {
        (string month, _) = Parse(volume);
        return generation == 1 ? month + Suffix : string.Create(CultureInfo.InvariantCulture, $"{month}.{generation}{Suffix}");
    }

    /// <summary>Which generation of its month a volume is.</summary>
    public static int GenerationOf(string volume) => Parse(volume).Generation;

    private static (string Month, int Generation) Parse(string volume)
    {
        string name = volume[..^Suffix.Length];
        int dot = name.LastIndexOf('.');
        return dot > name.LastIndexOf('/') && int.TryParse(name.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int generation)
            ? (name[..dot], generation)
            : (name, 1);
    }

    /// <summary>The volumes of a mailbox that are there, oldest first.</summary>
    public static IEnumerable<string> VolumesIn(IStorage storage, string root, string mailboxFolder) =>
        storage.ListFiles(Path.Combine(root, mailboxFolder)).Select(p => Path.GetFileName(p)!)
            .Where(n => n.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(n => mailboxFolder + "/" + n);

    /// <summary>A name beside a file for what is damaged of it, which nothing has yet: <c>&lt;file&gt;.damaged-&lt;yyyyMMddHHmmss&gt;</c>. Nothing takes it for a volume.</summary>
    public static string AsideOf(IStorage storage, string path, DateTimeOffset now)
    {
        string name = path + Aside + now.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture), free = name;
        for (int number = 2; storage.FileExists(free); number++) free = string.Create(CultureInfo.InvariantCulture, $"{name}-{number}");
        return free;
    }

    /// <summary>What was set aside of a file, the oldest first.</summary>
    public static IEnumerable<string> AsidesOf(IStorage storage, string path) => storage.ListFiles(Path.GetDirectoryName(path)!).Where(p => p.StartsWith(path + Aside, StringComparison.Ordinal));

    /// <summary>The full path of a volume.</summary>
    /// <exception cref="MessageStoreException">ArchiveDamaged: a key names a place outside of the archive.</exception>
    public static string Resolve(string root, string volume)
    {
        string[] parts = volume.Split('/');
        if (parts.Any(p => p is "" or "." or ".." || p.AsSpan().ContainsAny('\\', ':', '\0')))
            throw ArchiveErrors.Damaged(root, 0, $"a key names the volume '{volume}', which is no place in the archive.");
        return Path.Combine([root, .. parts]);
    }
}
