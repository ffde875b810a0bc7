using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit.Abstractions;

namespace MessageStore.Tests.Support;

/// <summary>How much a sweep went through: to the test's output, and to the file that <c>MESSAGESTORE_PROOF</c> names, which CI prints at its end.</summary>
internal static class Proof
{
    private static readonly Lock Gate = new();

    public static void Report(ITestOutputHelper output, string what, [CallerFilePath] string file = "", [CallerMemberName] string test = "")
    {
        output.WriteLine(what);
        if (Environment.GetEnvironmentVariable("MESSAGESTORE_PROOF") is not { Length: > 0 } path) return;
        TimeSpan running = DateTime.Now - Process.GetCurrentProcess().StartTime;
        lock (Gate) File.AppendAllText(path, $"{Path.GetFileNameWithoutExtension(file)}.{test}: {what}, {running.TotalSeconds:N0} s after the start\n");
    }
}
