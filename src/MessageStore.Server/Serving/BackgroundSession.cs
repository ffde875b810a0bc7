using System.Runtime.InteropServices;

namespace MessageStore.Server.Serving;

/// <summary>A process in the background: Ctrl+C in the terminal that started it does not end it.</summary>
internal static partial class BackgroundSession
{
    /// <summary>Leaves the terminal's session. Fails where we lead a group of processes already, which is as good; on Windows there is nothing to do.</summary>
    public static void Leave()
    {
        if (!OperatingSystem.IsWindows()) _ = SetSession();
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSession();
}
