namespace MessageStore.Tests.Backups;

/// <summary>What may happen to a file.</summary>
internal static class RandomDamage
{
    public static (byte[] Bad, string What) Make(byte[] good, Random random)
    {
        int at = random.Next(good.Length);
        switch (random.Next(10))
        {
            case 0:
                return (good[..at], $"cut at {at}");
            case 1:
                byte[] put = new byte[random.Next(1, 100)];
                random.NextBytes(put);
                return ([.. good[..at], .. put, .. good[at..]], $"{put.Length} bytes put in at {at}");
            case 2:
                int count = Math.Min(random.Next(1, 100), good.Length - at);
                return ([.. good[..at], .. good[(at + count)..]], $"{count} bytes taken out at {at}");
            case 3:
                byte[] overwritten = (byte[])good.Clone();
                int length = Math.Min(random.Next(1, 5000), good.Length - at);
                overwritten.AsSpan(at, length).Clear();
                overwritten[at] ^= 0xFF;
                return (overwritten, $"{length} bytes overwritten at {at}");
            default:
                byte[] bad = (byte[])good.Clone();
                int bit = random.Next(8);
                bad[at] ^= (byte)(1 << bit);
                return (bad, $"bit {bit} flipped at {at}");
        }
    }
}
