using System.Collections.Concurrent;
using System.Globalization;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>What came of each <see cref="DatabaseOperation"/> over all runs of a test: a test that does much and brings about nothing proves nothing.</summary>
internal sealed class Effects
{
    public const string Patched = "transactions in patches";
    public const string PowerFailed = "losses of power";
    public const string Killed = "kills";
    public const string Failed = "failures";

    private readonly ConcurrentDictionary<string, long> counts = [];

    public void Note(string what, long count) => counts.AddOrUpdate(what, count, (_, before) => before + count);

    /// <exception cref="InvariantException">Nothing came of one of them.</exception>
    public void Demand(IEnumerable<string> names)
    {
        if (names.FirstOrDefault(n => counts.GetValueOrDefault(n) == 0) is { } vain) throw new InvariantException($"Nothing came of '{vain}'. {this}");
    }

    public override string ToString() => string.Join(", ", counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {c.Value:N0}")));
}
