using System.Runtime.InteropServices;
using System.Security;
using System.Security.Cryptography;
using System.Text;

namespace MessageStore.PowerShell.Binding;

/// <summary>The key of encrypted backups as a cmdlet got it: in the clear only while it is used.</summary>
internal sealed class BackupSecret : IDisposable
{
    private BackupSecret(SecureString? password, string? keyFile)
    {
        if (password is null && keyFile is null) return;
        Source = new BackupKeySource { KeyFile = keyFile, Password = password is null ? null : Clear(password) };
    }

    /// <summary>For the engine; <see langword="null"/> where no key was given.</summary>
    public BackupKeySource? Source { get; }

    /// <summary>Opens <c>-EncryptionKey</c> or <c>-KeyFile</c> for one run; that it is not both the engine sees to.</summary>
    public static BackupSecret Open(SecureString? password, string? keyFile) => new(password, keyFile);

    public void Dispose() => CryptographicOperations.ZeroMemory(Source?.Password);

    private static byte[] Clear(SecureString password)
    {
        char[] text = GC.AllocateUninitializedArray<char>(password.Length, pinned: true);
        IntPtr copy = Marshal.SecureStringToGlobalAllocUnicode(password);
        try
        {
            Marshal.Copy(copy, text, 0, text.Length);
            byte[] bytes = GC.AllocateUninitializedArray<byte>(Encoding.UTF8.GetByteCount(text), pinned: true);
            Encoding.UTF8.GetBytes(text, bytes);
            return bytes;
        }
        finally
        {
            Marshal.ZeroFreeGlobalAllocUnicode(copy);
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(text.AsSpan()));
        }
    }
}
