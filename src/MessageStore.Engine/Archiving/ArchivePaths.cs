using System.Globalization;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Archiving;

/// <summary>Where in the archive folder things lie: <c>&lt;mailbox&gt;/&lt;yyyy-MM&gt;.mbox.gz</c>.</summary>
internal static class ArchivePaths
{
    /// <summary>Ending of archive files.</summary>
    public const string Suffix = ".mbox.gz";

    /// <summary>The folder of a mailbox, relative.</summary>
    public static string FolderOf(string mailbox)
    {
        string name = FileNames.Escape(mailbox);

        // The one file in the archive folder itself must not meet a mailbox of its name; "%61" is never made of an "a" otherwise, but for device names.
        return name == ArchiveMarker.FileName ? "%61" + name[1..] : name;
    }

    /// <summary>The volume that a mailbox's records of a storage date go to: relative, with forward slashes.</summary>
    public static string VolumeOf(string mailbox, DateTimeOffset storageDate) =>
        FolderOf(mailbox) + "/" + storageDate.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture) + Suffix;

    /// <summary>The volumes of a mailbox that are there, oldest first.</summary>
    public static IEnumerable<string> VolumesIn(IStorage storage, string root, string mailboxFolder) =>
        storage.ListFiles(Path.Combine(root, mailboxFolder)).Select(p => Path.GetFileName(p)!)
            .Where(n => n.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(n => mailboxFolder + "/" + n);

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
