using System.Management.Automation;

namespace MessageStore.PowerShell.Binding;

/// <summary>
/// Refuses spans of time that nobody means: negative ones, and those between nothing and a second. A bare number is a number of
/// ticks, so <c>-OlderThan 30</c> would archive everything and <c>-RetainFor 30</c> would let it expire at once.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ValidateSpanAttribute : ValidateArgumentsAttribute
{
    protected override void Validate(object arguments, EngineIntrinsics engineIntrinsics)
    {
        TimeSpan span = LanguagePrimitives.ConvertTo<TimeSpan>(arguments);
        if (span == TimeSpan.Zero || span >= TimeSpan.FromSeconds(1)) return;
        throw new ValidationMetadataException(
            $"{span} is shorter than a second. Days come first in a span of time: 30.00:00:00 is thirty days, a bare 30 is 30 ticks.");
    }
}
