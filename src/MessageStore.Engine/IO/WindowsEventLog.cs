using System.ComponentModel;
using System.Runtime.InteropServices;

namespace MessageStore.IO;

/// <summary>
/// The Application log of Windows, source <c>MessageStore</c>, event 1, category none. The source is not registered, which would need an administrator: the event viewer says so and shows the text below that.
/// </summary>
internal sealed partial class WindowsEventLog : ISystemLog
{
    private const ushort TypeError = 1; // EVENTLOG_ERROR_TYPE
    private const ushort NoCategory = 0;
    private const uint EventId = 1;

    public string Error(string errorId, string message)
    {
        nint log = RegisterEventSource(null, SystemLog.Source);
        if (log == 0) return WhyNot();
        try
        {
            string[] texts = [$"{errorId}: {message}"];
            return ReportEvent(log, TypeError, NoCategory, EventId, 0, (ushort)texts.Length, 0, texts, 0) ? "" : WhyNot();
        }
        finally
        {
            _ = DeregisterEventSource(log);
        }
    }

    private static string WhyNot() => $"The Application event log: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}";

    [LibraryImport("advapi32", EntryPoint = "RegisterEventSourceW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    private static partial nint RegisterEventSource(string? server, string source);

    [LibraryImport("advapi32", EntryPoint = "ReportEventW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool ReportEvent(nint log, ushort type, ushort category, uint eventId, nint user, ushort textCount, uint dataSize, string[] texts, nint data);

    [LibraryImport("advapi32", EntryPoint = "DeregisterEventSource", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool DeregisterEventSource(nint log);
}
