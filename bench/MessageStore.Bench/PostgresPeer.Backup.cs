using System.Diagnostics;

namespace MessageStore.Bench;

internal static partial class PostgresPeer
{
    /// <summary><c>pg_basebackup</c> of a table of rows of these sizes, as it comes: with what of the log it needs, and flushed.</summary>
    /// <returns>Seconds, the median of the rounds, and the bytes of the copy; none where PostgreSQL 15 is not installed.</returns>
    public static async Task<(double Seconds, double Bytes)?> BackUpAsync(BenchArguments arguments, int messages, int[] sizes)
    {
        (double Seconds, double Bytes) found = await WithServerAsync(arguments, async folder =>
        {
            string[] connection = ["-h", folder, "-U", "bench"];
            // Never compressed, so what is in the rows does not matter.
            string inserts = string.Join("; ", sizes.Select(size => $"INSERT INTO mail (body) SELECT convert_to(repeat('x', {Text(size)}), 'UTF8') FROM generate_series(1, {Text(messages / sizes.Length)})"));
            await ServerAsync(folder, "psql", [.. connection, "-q", "-d", "postgres", "-c", "CREATE TABLE mail (id bigserial PRIMARY KEY, body bytea NOT NULL)",
                "-c", "ALTER TABLE mail ALTER COLUMN body SET STORAGE EXTERNAL", "-c", inserts, "-c", "VACUUM mail", "-c", "CHECKPOINT"]).ConfigureAwait(false);
            var seconds = new List<double>();
            double bytes = 0;
            for (int round = 0; round < arguments.Rounds; round++)
            {
                string copy = $"{folder}/copy";
                var watch = Stopwatch.StartNew();
                await ServerAsync(folder, "pg_basebackup", [.. connection, "-D", copy, "-c", "fast", "-X", "stream"]).ConfigureAwait(false);
                seconds.Add(watch.Elapsed.TotalSeconds);
                bytes = new DirectoryInfo(copy).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => (double)f.Length);
                Directory.Delete(copy, recursive: true);
            }
            return (BenchRow.Median(seconds), bytes);
        }).ConfigureAwait(false);
        return found.Seconds > 0 ? found : null;
    }
}
