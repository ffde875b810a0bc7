namespace MessageStore.Replication;

/// <summary>How a storage unit works.</summary>
internal sealed record UnitOptions
{
    /// <summary>The largest record in bytes: 64 MiB.</summary>
    public const int RecordLimit = 64 << 20;

    /// <summary>Bytes of records in memory at which a block is written.</summary>
    public int BufferSize { get; init; } = 1 << 20;

    /// <summary>How long a block may wait to become full. Zero: a block is what arrived while the last flush ran.</summary>
    public TimeSpan Linger { get; init; }

    /// <summary>Bytes from which on a volume is full.</summary>
    public long VolumeSize { get; init; } = 1L << 30;

    /// <summary>Bytes that stay free on the disk: below that the unit takes no more records.</summary>
    public long Reserve { get; init; } = 64L << 20;

    /// <summary>Volumes kept open for appending.</summary>
    public int OpenVolumes { get; init; } = 8;

    /// <summary>The database that units are to serve which do not say whose they are; one that serves another is refused. <see langword="null"/> for whatever they say.</summary>
    public Guid? Database { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
