namespace MessageStore.Storage;

/// <summary>
/// Decides how fast a backup or an archive run may go, window by window, from what users' commits took. No clock of its own: the same windows give the same decisions.
/// </summary>
/// <remarks>
/// Every tenth window, and the sixth, nothing is copied: what all but one in a hundred of the users' commits took in the last of these is the measure. In the others one in a hundred may take a little longer. A
/// single window has too few commits to tell such a quantile, and those that are too long come together, since they shared a flush; so the rate follows how many were too long in the last few: up by
/// a tenth for a window where there was none (by a third before the first), and down the further the more there are. It stands still, on the average, where one in a hundred is. Where users come it begins with the slowest: what is found to be too much only afterwards lies in the disk's queue by then, and they
/// wait for that. Users who do nothing are not disturbed by anything.
/// </remarks>
/// <param name="slowestRate">Bytes a second below which it never goes, so that it comes to an end.</param>
internal sealed class PaceControl(double slowestRate = PaceControl.SlowestRate)
{
    /// <summary>The quantile of the waits that users are not to see grow.</summary>
    public const double Quantile = 0.99;

    /// <summary>With fewer commits in a window nobody is taken to be there.</summary>
    public const int FewestCommits = 3;

    /// <summary>A backup never goes slower: bytes a second.</summary>
    public const double SlowestRate = 32 << 20;

    /// <summary>Faster than any disk: no limit.</summary>
    public const double NoLimit = 8.0 * (1 << 30);

    /// <summary>Where slowing down begins, so that the first step is felt.</summary>
    private const double FirstLimit = 1 << 30;

    private const int CalmEvery = 10;

    /// <summary>The window in which users are measured alone for the second time. The first time all that is new was starting, and its code was being compiled: that measure is thrown away then.</summary>
    private const int SecondLook = 5;

    /// <summary>How much faster than it went it may go: what is allowed and not used would take too long to be taken back.</summary>
    private const double Headroom = 2;

    private const double Allowed = 1 - Quantile;

    /// <summary>How much longer than alone a commit may take before it counts as too long.</summary>
    private const double Tolerance = 1.03;

    private const double Step = 0.1;

    /// <summary>How far it goes up until users feel it for the first time.</summary>
    private const double FirstStep = 1 / 3.0;

    private const double Slower = 0.5;

    /// <summary>What of the measure is left when the next window without a backup is added: it remembers some seven of them.</summary>
    private const double Memory = 0.85;

    /// <summary>The same of the waits beside the backup: some five windows.</summary>
    private const double RecentMemory = 0.8;

    private readonly CommitWaits calm = new();
    private double recent;
    private double recentTooLong;
    private double rate = NoLimit;
    private int windows;
    private int windowsWithUsers;
    private bool measuring;
    private bool isAlone = true;
    private bool isFelt;

    /// <summary>Bytes a second in the window that begins; 0 where nothing is to be copied in it.</summary>
    public double Rate => measuring ? 0 : rate;

    /// <summary>In how many windows users were found to wait longer because of the backup.</summary>
    public int Yields { get; private set; }

    /// <summary>A window has ended.</summary>
    /// <param name="waits">What the transactions took that users committed in it.</param>
    /// <param name="achieved">Bytes a second that it went.</param>
    public void EndWindow(CommitWaits waits, double achieved = NoLimit)
    {
        windows++;
        bool measured = measuring;
        measuring = false;
        if (waits.Count < FewestCommits)
        {
            rate = NoLimit;
            isAlone = true;
            windowsWithUsers = 0;
            return;
        }
        windowsWithUsers++;
        // Whatever they waited in the first window, they waited for a backup without a limit.
        if (isAlone) (rate, isFelt, recent, recentTooLong) = (slowestRate, false, 0, 0);
        else if (measured) Measure(waits);
        else Adjust(waits, achieved);
        isAlone = false;
        measuring = calm.Count == 0 || windowsWithUsers == SecondLook || (windows % CalmEvery == 0 && !measured);
    }

    private void Measure(CommitWaits waits)
    {
        calm.Fade(windowsWithUsers == SecondLook + 1 ? 0 : Memory);
        calm.Add(waits);
    }

    private void Adjust(CommitWaits waits, double achieved)
    {
        recent = recent * RecentMemory + waits.Count;
        recentTooLong = recentTooLong * RecentMemory + waits.Longer(calm.Quantile(Quantile) * Tolerance);
        double share = recentTooLong / recent;
        bool isTooMuch = share > Allowed;
        if (isTooMuch) Yields++;
        isFelt |= isTooMuch;
        double factor = 1 + (share == 0 && !isFelt ? FirstStep : Step * (1 - share / Allowed));
        if (factor < Slower)
        {
            factor = Slower;
            (recent, recentTooLong) = (0, 0); // what was found at twice the rate says nothing of this one
        }
        rate = Math.Clamp(Math.Min((isTooMuch ? Math.Min(rate, Math.Min(FirstLimit, achieved)) : rate) * factor, achieved * Headroom), slowestRate, NoLimit);
    }
}
