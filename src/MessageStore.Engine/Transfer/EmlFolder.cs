using System.Globalization;
using MessageStore.Messages;

namespace MessageStore;

/// <summary>
/// A folder with a file for each message: <c>20020822-123623-&lt;id&gt;.eml</c> by received date in UTC, directly in the folder or below
/// <c>&lt;mailbox&gt;/&lt;folder&gt;/</c>.
/// </summary>
internal sealed class EmlFolder : IExportTarget
{
    private readonly string root;
    private readonly bool byMailbox;
    private readonly bool force;

    public EmlFolder(string root, bool byMailbox, bool force)
    {
        (this.root, this.byMailbox, this.force) = (root, byMailbox, force);
        if (File.Exists(root)) throw ExportErrors.Exists(root, "a file; the messages need a folder");
        Directory.CreateDirectory(root);
    }

    public async Task WriteAsync(StoredMessage message, MessageBody body, CancellationToken cancellationToken)
    {
        string folder = root;
        if (byMailbox)
        {
            folder = Path.Combine(root, FileNames.Escape(message.Mailbox), FileNames.Escape(message.Folder));
            Directory.CreateDirectory(folder);
        }
        string name = string.Create(CultureInfo.InvariantCulture, $"{message.ReceivedDate.UtcDateTime:yyyyMMdd-HHmmss}-{message.Id}.eml");
        string path = Path.Combine(folder, name);
        if (!force && File.Exists(path)) throw ExportErrors.Exists(path, "there already; use Force to replace it");
        string partial = path + ExportErrors.PartialSuffix;
        try
        {
            var file = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            await using (file.ConfigureAwait(false))
            {
                if (body.IsInMemory) await file.WriteAsync(body.Head, cancellationToken).ConfigureAwait(false);
                else await new BodyStream(body).CopyToAsync(file, cancellationToken).ConfigureAwait(false);
            }
            File.Move(partial, path, overwrite: force);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    public void Complete()
    {
    }

    public void Dispose()
    {
    }
}
