using System.Globalization;

namespace MessageStore.Tests.Support;

/// <summary>How many cases a parser has to bear: as many as the test says, or <c>MESSAGESTORE_FUZZ</c>.</summary>
internal static class Fuzz
{
    public static int Cases(int usual) => int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_FUZZ"), NumberStyles.Integer, CultureInfo.InvariantCulture, out int wanted) ? wanted : usual;
}
