namespace MessageStore.Messages;

/// <summary>A gzip file that ends too early or holds something that nobody compressed. Its reader turns this into an error that names the mail.</summary>
internal sealed class BrokenGzipException(bool isCut, long offset, string why, Exception? inner = null) : IOException(why, inner)
{
    /// <summary>Whether the file just ends too early; otherwise its bytes are not what was written.</summary>
    public bool IsCut => isCut;

    /// <summary>Offset in the compressed file: where it ends, or the member in which the damage lies.</summary>
    public long Offset => offset;
}
