using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>Numbers and names of the run file (docs/format-search.md).</summary>
internal static class RunFormat
{
    /// <summary>Version of everything behind the header frame. Another one is not read: the messages are indexed anew.</summary>
    public const int Version = 1;

    public const string FolderName = "search";

    public const string Extension = ".run";

    /// <summary>Messages in a frame of Ids.</summary>
    public const int IdsPerFrame = 4096;

    public const int IdSize = 16;

    /// <summary>A block of terms is closed once its payload is at least this long, in bytes.</summary>
    public const int BlockLength = 32 << 10;

    /// <summary>A chunk of postings is closed once it is at least this long, in bytes.</summary>
    public const int ChunkLength = 4 << 10;

    /// <summary>A frame of the directory is closed once its payload is at least this long, in bytes.</summary>
    public const int DirectoryLength = 1 << 20;

    /// <summary>Length of the footer's payload in bytes.</summary>
    public const int FooterLength = 56;

    /// <summary>Bytes that a full frame of Ids takes in the file.</summary>
    public static int IdFrameLength => FrameHeader.FrameLength(IdsPerFrame * IdSize);

    public static string FolderOf(string storeFolder) => Path.Combine(storeFolder, FolderName);

    public static string PathOf(string folder, int first, int last) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{first:x8}-{last:x8}{Extension}"));

    /// <summary>The numbers in a run's name: those of the runs that it was merged from, or its own twice.</summary>
    public static bool TryParseName(string path, out int first, out int last)
    {
        first = last = 0;
        string name = Path.GetFileName(path);
        return name.Length == 17 + Extension.Length && name[8] == '-' && name.EndsWith(Extension, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out first)
            && int.TryParse(name.AsSpan(9, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out last)
            && first > 0 && last >= first;
    }
}
