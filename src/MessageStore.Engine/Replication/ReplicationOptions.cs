namespace MessageStore.Replication;

/// <summary>How the replicated writer works.</summary>
internal sealed record ReplicationOptions
{
    /// <summary>Units on different nodes that must acknowledge before a message is called stored, 1 to <see cref="NodeSettings.CopiesLimit"/>.</summary>
    public int Copies { get; init; } = 2;

    /// <summary>The database whose records are stored; empty for none, whose records only units take that serve no database.</summary>
    public Guid Database { get; init; }

    public ReplicationTopology Topology { get; init; } = ReplicationTopology.FanOut;

    /// <summary>For how long a node that failed is drawn last in its group.</summary>
    public TimeSpan SuspectFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For how long what the directory said is taken for true.</summary>
    public TimeSpan DirectoryAge { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Requests under way at a time on one way to a unit; what comes meanwhile shares the next. Small ones go one after the other.</summary>
    public int RequestsInFlight { get; init; } = 2;
}
