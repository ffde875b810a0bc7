using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MessageStore.IO;

/// <summary>Writing past the system's cache (Linux, <c>O_DIRECT</c>).</summary>
internal sealed partial class DiskFile
{
    private const int GetStatusFlags = 3; // F_GETFL
    private const int SetStatusFlags = 4; // F_SETFL

    /// <summary>O_DIRECT, which each family of processors has its own number for.</summary>
    private static readonly int DirectFlag = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.Arm or Architecture.Armv6 or Architecture.Arm64 => 0x10000,
        Architecture.Ppc64le => 0x20000,
        _ => 0x4000,
    };

    private bool isDirect;

    public int Read(Span<byte> buffer, long offset)
    {
        try
        {
            return RandomAccess.Read(handle, buffer, offset);
        }
        catch (IOException error) when (isDirect && error.HResult == InvalidArgument)
        {
            GoThroughCache();
            return RandomAccess.Read(handle, buffer, offset);
        }
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset)
    {
        try
        {
            RandomAccess.Write(handle, buffer, offset);
        }
        catch (IOException error) when (isDirect && error.HResult == InvalidArgument)
        {
            // A disk of larger blocks, or bytes that are not whole ones.
            GoThroughCache();
            RandomAccess.Write(handle, buffer, offset);
        }
    }

    /// <remarks>A file system that cannot refuses the flag, or takes it and uses the cache all the same.</remarks>
    public void BypassCache()
    {
        if (!OperatingSystem.IsLinux()) return;
        int flags = Fcntl(handle, GetStatusFlags, 0);
        isDirect = flags >= 0 && Fcntl(handle, SetStatusFlags, flags | DirectFlag) == 0;
    }

    private void GoThroughCache()
    {
        isDirect = false;
        int flags = Fcntl(handle, GetStatusFlags, 0);
        if (flags >= 0) _ = Fcntl(handle, SetStatusFlags, flags & ~DirectFlag);
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Fcntl(SafeFileHandle file, int command, int argument);
}
