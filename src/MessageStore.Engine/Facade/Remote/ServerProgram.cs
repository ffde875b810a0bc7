using System.Diagnostics;

namespace MessageStore.Remote;

/// <summary>Finds the server's program and starts it as a process of its own.</summary>
internal static class ServerProgram
{
    private const string AssemblyName = "messagestored.dll";

    /// <inheritdoc cref="Start(IEnumerable{string})"/>
    public static Process Start(ServerStartOptions options) =>
        Start(["serve", "--database", options.Database, "--background", .. Option("--log", options.LogPath), .. Option("--configuration", options.ConfigurationPath)]);

    /// <param name="arguments">The command and its options.</param>
    /// <exception cref="MessageStoreException">ServerNotInstalled.</exception>
    public static Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            CreateNoWindow = true,
        };
        start.ArgumentList.Add(Find());
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new MessageStoreException(ErrorIds.ServerNotInstalled, ErrorKind.NotFound, $"The server needs the program dotnet on the PATH, with the ASP.NET Core runtime 10.0: {error.Message}", "dotnet", error);
        }
    }

    private static string[] Option(string word, string? value) => value is null ? [] : [word, value];

    /// <summary>The server lies beside the module's dependencies, and beside the engine in its own folder.</summary>
    private static string Find()
    {
        string here = Path.GetDirectoryName(typeof(ServerProgram).Assembly.Location)!;
        string beside = Path.Combine(here, AssemblyName), module = Path.GetFullPath(Path.Combine(here, "..", "server", AssemblyName));
        return File.Exists(module) ? module : File.Exists(beside) ? beside
            : throw new MessageStoreException(ErrorIds.ServerNotInstalled, ErrorKind.NotFound, $"The server's program is not at {module}. Install the whole module, or build the solution.", module);
    }
}
