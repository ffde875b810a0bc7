using System.Globalization;

namespace MessageStore.Bench;

/// <summary>What others take for a copy of as many messages of the same sizes, where they are installed.</summary>
internal static class BackupPeers
{
    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments, int messages, int[] sizes) =>
    [
        Row("pg_basebackup", "PostgreSQL 15", await PostgresPeer.BackUpAsync(arguments, messages, sizes).ConfigureAwait(false)),
        Row("doveadm backup", "Dovecot", await DovecotPeer.BackUpAsync(arguments, messages, sizes).ConfigureAwait(false)),
    ];

    private static BenchRow Row(string name, string needed, (double Seconds, double Bytes)? found) => found is var (seconds, bytes)
        ? new BenchRow(name, bytes / 1e6 / seconds, null, "MB/s", string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:N2} GB in {seconds:N1} s"))
        : new BenchRow(name, 0, null, "MB/s", $"skipped: no {needed} here");
}
