using System.IO.Pipes;
using System.Runtime.InteropServices;

namespace MessageStore.Server.Backups;

/// <summary>
/// A pipe with a name from which a backup is copied to where its bytes are wanted: so a backup goes into this program's output also where a server makes it. It lies in the database
/// folder, which the server sees whatever else is hidden from it.
/// </summary>
internal sealed partial class OutputPipe : IDisposable
{
    private const int OwnerOnly = 0x180; // 0600
    private const int PieceBytes = 256 << 10;

    private readonly string name;
    private readonly NamedPipeServerStream? windowsPipe;
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <exception cref="MessageStoreException">The pipe cannot be made.</exception>
    public OutputPipe(string database)
    {
        if (OperatingSystem.IsWindows())
        {
            string own = $"messagestore-{Guid.NewGuid():N}";
            name = @"\\.\pipe\" + own;
            windowsPipe = new NamedPipeServerStream(own, PipeDirection.In, 1, PipeTransmissionMode.Byte, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);
            return;
        }
        name = Path.Combine(database, $"output-{Guid.NewGuid():N}.pipe");
        if (MakeFifo(name, OwnerOnly) != 0)
            throw new MessageStoreException(ErrorIds.DeviceFailed, ErrorKind.Device, $"The pipe {name} cannot be made: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.", name);
    }

    /// <summary>Runs a backup into the pipe and copies what comes.</summary>
    /// <param name="target">Gets the bytes.</param>
    /// <param name="backUp">Backs up to the path that it is given.</param>
    /// <exception cref="MessageStoreException">Of the backup; that <paramref name="target"/> takes no more ends it with DeviceFailed.</exception>
    public async Task<BackupRun> CopyAsync(Stream target, Func<string, CancellationToken, Task<BackupRun>> backUp, CancellationToken cancellationToken)
    {
        Task copying = Task.Run(() => CopyAsync(target), CancellationToken.None);
        BackupRun run;
        try
        {
            run = await backUp(name, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await EndAsync().ConfigureAwait(false);
            await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // why the backup failed says more
            throw;
        }
        try
        {
            await copying.ConfigureAwait(false);
            return run;
        }
        catch (IOException error)
        {
            throw new MessageStoreException(ErrorIds.DeviceFailed, ErrorKind.Device, $"The end of the backup could not be passed on: {error.Message}", name, error);
        }
    }

    public void Dispose()
    {
        windowsPipe?.Dispose();
        if (windowsPipe is null) File.Delete(name);
    }

    private async Task CopyAsync(Stream target)
    {
        if (windowsPipe is not null) await windowsPipe.WaitForConnectionAsync().ConfigureAwait(false);
        Stream source = windowsPipe ?? (Stream)new FileStream(name, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        opened.TrySetResult();
        await using (source.ConfigureAwait(false))
        {
            await source.CopyToAsync(target, PieceBytes).ConfigureAwait(false);
            await target.FlushAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Lets the reader see an end, also where no writer ever came.</summary>
    private async Task EndAsync()
    {
        if (windowsPipe is not null)
        {
            await windowsPipe.DisposeAsync().ConfigureAwait(false);
            return;
        }
        // Opened both ways, which does not wait for anybody, it is the writer that the reader may be waiting for.
        await using var end = new FileStream(name, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        await opened.Task.ConfigureAwait(false);
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, int mode);
}
