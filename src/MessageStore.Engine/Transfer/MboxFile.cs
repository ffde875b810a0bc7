using MessageStore.IO;
using System.IO.Compression;
using MessageStore.Messages;

namespace MessageStore;

/// <summary>One mboxrd file, packed where its name ends with <c>.gz</c>. It is called <c>*.partial</c> until it is whole and flushed.</summary>
internal sealed class MboxFile : IExportTarget
{
    private const int BufferLength = 256 << 10;

    private readonly string path;
    private readonly string partial;
    private readonly bool force;
    private readonly FileStream file;
    private readonly Stream stream;
    private readonly MboxWriter writer;
    private bool isComplete;

    public MboxFile(string path, bool force)
    {
        if (Directory.Exists(path)) throw ExportErrors.Exists(path, "a folder; an mbox needs a file");
        if (!force && File.Exists(path)) throw ExportErrors.Exists(path, "there already; use Force to replace it");
        (this.path, this.force) = (path, force);
        partial = path + ExportErrors.PartialSuffix;
        if (Path.GetDirectoryName(path) is { Length: > 0 } parent) Directory.CreateDirectory(parent);
        file = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.Read, BufferLength);
        bool isPacked = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        stream = isPacked ? new BufferedStream(new GZipStream(file, CompressionLevel.Fastest, leaveOpen: true), BufferLength) : file;
        writer = new MboxWriter(stream);
    }

    public async Task WriteAsync(StoredMessage message, MessageBody body, CancellationToken cancellationToken)
    {
        if (body.IsInMemory) writer.Write(body.Head.Span, message.From, message.ReceivedDate);
        else await writer.WriteAsync(new BodyStream(body), message.From, message.ReceivedDate, cancellationToken).ConfigureAwait(false);
    }

    public void Complete()
    {
        if (stream != file) stream.Dispose();
        file.Flush();
        DiskFile.Flush(file.SafeFileHandle, file.Name);
        file.Dispose();
        File.Move(partial, path, overwrite: force);
        isComplete = true;
    }

    public void Dispose()
    {
        if (isComplete) return;
        foreach (Stream open in new[] { stream, file })
        {
            try
            {
                open.Dispose();
            }
            catch (IOException)
            {
                // A full disk fails here once more; the error that brought us here is the one that counts.
            }
        }
        File.Delete(partial);
    }
}
