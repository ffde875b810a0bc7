using MessageStore.Messages;

namespace MessageStore;

/// <summary>What an export writes to. Nothing carries its final name before it is whole.</summary>
internal interface IExportTarget : IDisposable
{
    /// <summary>Writes a message. A MessageStoreException is about this message only; an IOException ends the export.</summary>
    Task WriteAsync(StoredMessage message, MessageBody body, CancellationToken cancellationToken);

    /// <summary>Gives the result its final name. Without it, disposal leaves nothing half done behind.</summary>
    void Complete();
}
