namespace MessageStore.IO;

/// <summary>How a sequence of frames ends.</summary>
internal enum FrameEndKind
{
    /// <summary>Nothing was ever begun here: end of file, zeros, or older content of recycled space.</summary>
    Clean,
    /// <summary>
    /// Something was begun and never acknowledged. Whoever writes here next must first cut it off (or zero it) and flush: whole frames of the torn
    /// group may lie further on, and would come back to life behind a new frame of the right length.
    /// </summary>
    Torn,
    /// <summary>A frame is missing or bad that a later one proves was durable: acknowledged content is lost.</summary>
    Damaged,
}

/// <summary>Where and why a <see cref="FrameReader"/> stopped.</summary>
/// <param name="Kind">What the end means.</param>
/// <param name="Offset">Where the frame that is not there would begin, in bytes from the start of the file.</param>
/// <param name="Lsn">The sequence number that was expected there.</param>
/// <param name="Detail">What was found, for people.</param>
internal readonly record struct FrameEnd(FrameEndKind Kind, long Offset, ulong Lsn, string Detail)
{
    /// <summary>The error for a damaged end, naming file and offset.</summary>
    public MessageStoreException ToException(string errorId, string path) => new(
        errorId, ErrorKind.Damaged, $"{path} is damaged at offset {Offset}: transaction {Lsn} is missing. {Detail}", path);
}
