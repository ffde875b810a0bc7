namespace MessageStore.PowerShell.Tests;

/// <summary>A theory that is skipped, with the reason, where there is no PowerShell with Pester 5.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PesterTheoryAttribute : TheoryAttribute
{
    public PesterTheoryAttribute() => Skip = PowerShellHost.WhyMissing;
}
