using System.Management.Automation;
using System.Text;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Writes the files of a schedule instead of installing it.</summary>
[Cmdlet(VerbsData.Export, "MaintenanceSchedule", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportMaintenanceScheduleCommand : MaintenanceScheduleCommand
{
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string Path { get; set; } = "";

    [Parameter]
    public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Path, $"Write the maintenance schedule of '{Database}'")) return;
        MaintenanceSchedule schedule = Schedule();
        string folder = Path;
        bool force = Force;
        Execute(Database, run => Task.Run(() =>
        {
            foreach (MaintenanceScheduleFile file in MaintenanceSchedules.Export(schedule)) run.Write(Save(file, folder, force));
        }, run.Token));
    }

    private static FileInfo Save(MaintenanceScheduleFile file, string folder, bool force)
    {
        string path = System.IO.Path.Combine(folder, file.Name);
        if (!force && File.Exists(path))
            throw new MessageStoreException(ErrorIds.FileExists, ErrorKind.AlreadyExists, $"The file '{path}' is there already. Add -Force to replace it.", path);
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(path, file.Content, file.Encoding == "utf-8" ? new UTF8Encoding(false) : Encoding.Unicode);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MessageStoreException(ErrorIds.AccessDenied, ErrorKind.Denied, $"The file '{path}' cannot be written: {error.Message}", path, error);
        }
        return new FileInfo(path);
    }
}
