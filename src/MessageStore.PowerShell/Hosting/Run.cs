using System.Management.Automation;

namespace MessageStore.PowerShell.Hosting;

/// <summary>One run of a cmdlet or a job: where it writes, how it reports and when it is to stop.</summary>
internal sealed class Run(IRunOutput output, RunProgressReporter progress, CancellationToken token)
{
    public CancellationToken Token => token;

    public IProgress<RunProgress> Progress => progress;

    public void Write(object value) => output.Write(value);

    /// <summary>
    /// Writes an object with the database it came from as a note property, so that the next cmdlet of the pipeline takes its
    /// <c>-Database</c> from it.
    /// </summary>
    public void Write(object value, string database) => output.Write(Tag(value, database));

    public void Warning(string text) => output.Warning(text);

    /// <summary>Reports trouble with one item; the run goes on.</summary>
    public void Error(MessageStoreException error, object? target = null) => output.Error(ErrorRecords.From(error, target));

    internal static PSObject Tag(object value, string database)
    {
        PSObject tagged = PSObject.AsPSObject(value);
        if (tagged.Properties["Database"] is null) tagged.Properties.Add(new PSNoteProperty("Database", database));
        return tagged;
    }
}
