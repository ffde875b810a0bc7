namespace MessageStore;

/// <summary>How far a long run has come.</summary>
/// <param name="Activity">What the run does, such as "Backing up".</param>
/// <param name="Status">What it is at, such as a mailbox or group name.</param>
/// <param name="Done">Units done so far.</param>
/// <param name="Total">Units in all; 0 where not known.</param>
public readonly record struct RunProgress(string Activity, string Status, long Done, long Total);
