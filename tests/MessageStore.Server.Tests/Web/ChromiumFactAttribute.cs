namespace MessageStore.Server.Tests.Web;

/// <summary>A test in a real browser: skipped, with the reason, where the system has no Chromium.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChromiumFactAttribute : FactAttribute
{
    /// <summary>Where Debian's package puts it.</summary>
    public const string Program = "/usr/bin/chromium";

    public ChromiumFactAttribute()
    {
        if (!File.Exists(Program)) Skip = $"no {Program}";
    }
}
