using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Where the Archive Agent puts what it archives.</summary>
public enum ArchiveTarget
{
    /// <summary>Archive files on the archive path.</summary>
    Files,
    /// <summary>Storage nodes, several copies each.</summary>
    Nodes,
}

/// <summary>Says where a database's archive goes.</summary>
[Cmdlet(VerbsCommon.Set, "MessageArchive", SupportsShouldProcess = true)]
[OutputType(typeof(DatabaseStatus))]
public sealed class SetMessageArchiveCommand : DatabaseQueryCommand
{
    [Parameter(Mandatory = true)]
    public ArchiveTarget Target { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [DirectoryArgument]
    public string? NodeDirectory { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? NodeKeyFile { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? NodeAuthorityFile { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? NodeCertificateFile { get; set; }

    [Parameter]
    [ValidateRange(1, NodeSettings.CopiesLimit)]
    public int Copies { get; set; } = 2;

    [Parameter]
    public ReplicationTopology Topology { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Database, $"Archive to {(Target == ArchiveTarget.Files ? "files" : "storage nodes")} from now on")) return;
        Use(Database, async (store, run) =>
        {
            DatabaseStatus status = await store.GetStatusAsync(run.Token).ConfigureAwait(false);
            if (Changed(status) is { } settings) status = await store.SetNodesAsync(settings, run.Token).ConfigureAwait(false);
            if (PassThru) run.Write(status);
        });
    }

    /// <summary>The settings as they are to be: what is not named stays as it is.</summary>
    /// <returns><see langword="null"/> where nothing is to be changed.</returns>
    private NodeSettings? Changed(DatabaseStatus status)
    {
        if (status.Nodes is null && Target == ArchiveTarget.Files) return null;
        NodeSettings settings = status.Nodes ?? new NodeSettings { Directory = Required(NodeDirectory, nameof(NodeDirectory)), KeyFile = NodeCertificateFile is null ? Required(NodeKeyFile, nameof(NodeKeyFile)) : NodeKeyFile };
        return settings with
        {
            Directory = NodeDirectory ?? settings.Directory,
            KeyFile = NodeKeyFile ?? settings.KeyFile,
            CertificateFile = NodeCertificateFile ?? settings.CertificateFile,
            AuthorityFile = NodeAuthorityFile ?? settings.AuthorityFile,
            Copies = MyInvocation.BoundParameters.ContainsKey(nameof(Copies)) ? Copies : settings.Copies,
            Topology = MyInvocation.BoundParameters.ContainsKey(nameof(Topology)) ? Topology : settings.Topology,
            IsTarget = Target == ArchiveTarget.Nodes,
        };
    }

    private string Required(string? value, string parameter) => value ?? throw new MessageStoreException(
        ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"{Database} has no storage nodes yet: name them with -{parameter}.", Database);
}
