namespace MessageStore.Backups;

/// <summary>
/// Decides how fast a backup may copy, window by window, from what users' commits took. No clock of its own: the same windows give the same decisions.
/// </summary>
/// <remarks>
/// Every tenth window nothing is copied: what users wait then is the measure. In the others the 95th percentile may be a tenth longer. Where it is longer still, the
/// rate is halved; where it is not, it grows by a third. Where users come it begins with the slowest: what is found to be too much only afterwards lies in the disk's queue by then, and they
/// wait for that. Users who do nothing are not disturbed by anything.
/// </remarks>
internal sealed class PaceControl
{
    /// <summary>The quantile of the waits that is compared.</summary>
    public const double Quantile = 0.95;

    /// <summary>With fewer commits in a window nobody is taken to be there.</summary>
    public const int FewestCommits = 3;

    /// <summary>The backup never goes slower, so that it comes to an end: bytes a second.</summary>
    public const double SlowestRate = 32 << 20;

    /// <summary>Faster than any disk: no limit.</summary>
    public const double NoLimit = 8.0 * (1 << 30);

    /// <summary>Where slowing down begins, so that the first step is felt.</summary>
    private const double FirstLimit = 1 << 30;

    private const int CalmEvery = 10;
    private const double Tolerance = 1.1;
    private const double Faster = 4.0 / 3;
    private const double Slower = 0.5;
    private const double ShareOfNew = 0.3;

    /// <summary>Differences below this are noise.</summary>
    private static readonly TimeSpan Grain = TimeSpan.FromMicroseconds(100);

    private double rate = NoLimit;
    private TimeSpan? calm;
    private int windows;
    private bool measuring;
    private bool isAlone = true;

    /// <summary>Bytes a second in the window that begins; 0 where nothing is to be copied in it.</summary>
    public double Rate => measuring ? 0 : rate;

    /// <summary>In how many windows users were found to wait longer because of the backup.</summary>
    public int Yields { get; private set; }

    /// <summary>A window has ended.</summary>
    /// <param name="commits">How many transactions users committed in it.</param>
    /// <param name="wait">The <see cref="Quantile"/> of what each took.</param>
    public void EndWindow(int commits, TimeSpan wait)
    {
        windows++;
        bool measured = measuring;
        measuring = false;
        if (commits < FewestCommits)
        {
            rate = NoLimit;
            isAlone = true;
            return;
        }
        if (isAlone) rate = SlowestRate; // whatever they waited in this window, they waited for a backup without a limit
        else if (measured) calm = calm is { } before ? before + (wait - before) * ShareOfNew : wait;
        else if (calm is { } usual && wait > usual * Tolerance + Grain) Slow();
        else if (calm is not null) rate = Math.Min(rate * Faster, NoLimit);
        isAlone = false;
        measuring = calm is null || (windows % CalmEvery == 0 && !measured);
    }

    private void Slow()
    {
        Yields++;
        rate = Math.Max(SlowestRate, Math.Min(rate, FirstLimit) * Slower);
    }
}
