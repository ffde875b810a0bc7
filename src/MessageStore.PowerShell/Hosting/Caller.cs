namespace MessageStore.PowerShell.Hosting;

/// <summary>Who runs this PowerShell: what holds, blocks and policies have on record.</summary>
internal static class Caller
{
    public static string Name => $"{Environment.UserName}@{Environment.MachineName}";
}
