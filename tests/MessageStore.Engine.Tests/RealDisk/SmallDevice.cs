using System.ComponentModel;
using System.Diagnostics;

namespace MessageStore.Tests.RealDisk;

/// <summary>A device of its own that is soon full: a tmpfs, unmounted at the end.</summary>
internal sealed class SmallDevice : IDisposable
{
    private SmallDevice(string path) => Path = path;

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    private string Ballast => this["ballast"];

    public static SmallDevice Mount(string path, int mebibytes)
    {
        Directory.CreateDirectory(path);
        if (Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "messagestore-test", path) is { } error) throw new IOException(error);
        return new SmallDevice(path);
    }

    /// <summary>Takes all but <paramref name="left"/> bytes of what is free with a file that is none of the store's.</summary>
    public void Fill(long left = 0)
    {
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] block = new byte[4096];
        try
        {
            while (new DriveInfo(Path).AvailableFreeSpace > left) file.Write(block);
        }
        catch (IOException)
        {
            // Full, which is what was wanted.
        }
    }

    /// <summary>Deletes that file.</summary>
    public void Free() => File.Delete(Ballast);

    public void Dispose()
    {
        if (Run("umount", Path) is { } error) throw new IOException(error);
    }

    /// <returns>What it complained of; <see langword="null"/> where it did not.</returns>
    public static string? Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"{program}: {error.Trim()}";
        }
        catch (Win32Exception error)
        {
            return $"{program}: {error.Message}";
        }
    }
}

/// <summary>A test that mounts a small device; skipped, saying why, where this process may not mount.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDeviceFactAttribute : FactAttribute
{
    private static readonly string? Missing = Try();

    public SmallDeviceFactAttribute() => Skip = Missing;

    private static string? Try()
    {
        if (!OperatingSystem.IsLinux()) return "A small device is mounted on Linux only.";
        string probe = Directory.CreateTempSubdirectory("messagestore-mount-").FullName;
        try
        {
            if (SmallDevice.Run("mount", "-t", "tmpfs", "-o", "size=1m", "messagestore-probe", probe) is { } error) return $"This process may not mount a tmpfs ({error}).";
            return SmallDevice.Run("umount", probe);
        }
        finally
        {
            Directory.Delete(probe);
        }
    }
}
