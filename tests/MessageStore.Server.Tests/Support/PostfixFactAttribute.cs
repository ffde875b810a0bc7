namespace MessageStore.Server.Tests.Support;

/// <summary>A fact that needs Postfix with an instance of its own, which only root can start; skipped, saying so, where that cannot be.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PostfixFactAttribute : FactAttribute
{
    public PostfixFactAttribute()
    {
        Skip = WhyNot();
    }

    /// <summary>Why Postfix cannot be used here; <see langword="null"/> where it can.</summary>
    public static string? WhyNot() =>
        !ToolFactAttribute.IsThere("postfix") ? "postfix is not on the PATH."
        : !ToolFactAttribute.IsThere("smtp-source") ? "smtp-source is not on the PATH."
        : !Directory.Exists(PostfixInstance.DaemonFolder) ? $"Postfix's daemons are not at {PostfixInstance.DaemonFolder}."
        : !Environment.IsPrivilegedProcess ? "Only root can start an instance of Postfix." : null;
}
