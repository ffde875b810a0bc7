namespace MessageStore.Storage;

/// <summary>
/// Whether a flush is to be put off for those who were just answered. Writers in a loop come back within microseconds; a session that has to hear from its client first does not, and waiting
/// for it costs everybody time and a processor. So the committer goes on waiting only as long as they do come, and tries again ever more rarely while they do not.
/// </summary>
internal struct GatherHabit
{
    /// <summary>Flushes without waiting between two tries, at most.</summary>
    public const int LongestPause = 63;

    private int pause;
    private int left;

    /// <summary>Whether to wait before the next flush.</summary>
    public bool Try()
    {
        if (left == 0) return true;
        left--;
        return false;
    }

    /// <summary>Learns from a wait that has ended.</summary>
    /// <param name="came">Transactions that had come in by then.</param>
    /// <param name="expected">Those that were waited for.</param>
    public void Learn(int came, int expected)
    {
        pause = came * 4L >= expected * 3L ? 0 : Math.Min(pause * 2 + 1, LongestPause);
        left = pause;
    }
}
