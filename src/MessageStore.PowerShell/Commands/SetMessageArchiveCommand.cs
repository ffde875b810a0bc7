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
    /// <summary>S3-compatible object storage.</summary>
    Objects,
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
    [ValidateNotNullOrEmpty]
    public string? Bucket { get; set; }

    [Parameter]
    [AllowEmptyString]
    public string? ObjectPrefix { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public Uri? ObjectEndpoint { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ObjectRegion { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? ObjectCredentialFile { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        string where = Target switch
        {
            ArchiveTarget.Files => "files",
            ArchiveTarget.Nodes => "storage nodes",
            _ => "object storage",
        };
        if (!ShouldProcess(Database, $"Archive to {where} from now on")) return;
        Use(Database, async (store, run) =>
        {
            DatabaseStatus status = await store.GetStatusAsync(run.Token).ConfigureAwait(false);
            if (Target == ArchiveTarget.Nodes || (Target == ArchiveTarget.Files && status.Nodes is { IsTarget: true })) status = await store.SetNodesAsync(NodesOf(status), run.Token).ConfigureAwait(false);
            if (Target == ArchiveTarget.Objects || (Target == ArchiveTarget.Files && status.Objects is { IsTarget: true })) status = await store.SetObjectsAsync(ObjectsOf(status), run.Token).ConfigureAwait(false);
            if (PassThru) run.Write(status);
        });
    }

    /// <summary>The settings as they are to be: what is not named stays as it is.</summary>
    private ObjectSettings ObjectsOf(DatabaseStatus status)
    {
        ObjectSettings settings = status.Objects ?? new ObjectSettings { Bucket = Required(Bucket, nameof(Bucket)) };
        return settings with
        {
            Bucket = Bucket ?? settings.Bucket,
            Prefix = ObjectPrefix ?? settings.Prefix,
            Endpoint = ObjectEndpoint?.OriginalString ?? settings.Endpoint,
            Region = ObjectRegion ?? settings.Region,
            CredentialsFile = ObjectCredentialFile ?? settings.CredentialsFile,
            IsTarget = Target == ArchiveTarget.Objects,
        };
    }

    /// <inheritdoc cref="ObjectsOf"/>
    private NodeSettings NodesOf(DatabaseStatus status)
    {
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
        ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"{Database} has no {(Target == ArchiveTarget.Nodes ? "storage nodes" : "object storage")} yet: name {(Target == ArchiveTarget.Nodes ? "them" : "it")} with -{parameter}.", Database);
}
