using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet that changes messages one by one, by their identity.</summary>
public abstract class MessageCommand : DatabaseItemCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    /// <summary>What the change is called when it is confirmed.</summary>
    private protected abstract string Change { get; }

    /// <summary>Makes the change and returns the message as it is afterwards, where it still is.</summary>
    private protected abstract Task<StoredMessage?> ChangeAsync(IMessageStore store, Guid id, CancellationToken token);

    /// <summary>Whether the changed message is written.</summary>
    private protected virtual bool Shows => false;

    protected override void ProcessRecord()
    {
        bool shows = Shows;
        foreach (Guid id in Id)
        {
            if (!ShouldProcess(id.ToString(), Change)) continue;
            Use(id, async (store, run) =>
            {
                StoredMessage? message = await ChangeAsync(store, id, run.Token).ConfigureAwait(false);
                if (shows && message is not null) run.Write(message, store.Path);
            });
        }
    }
}
