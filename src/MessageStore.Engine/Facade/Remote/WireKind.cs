namespace MessageStore.Remote;

/// <summary>What a parcel of a call carries; see <c>docs/format-socket.md</c>.</summary>
internal enum WireKind : byte
{
    /// <summary>Bytes of a message, at most <see cref="Wire.ChunkLength"/>.</summary>
    Bytes = 1,
    /// <summary>The message whose bytes came before is complete.</summary>
    BodyEnd = 2,
    /// <summary>The arguments, a JSON array; the last parcel of a request.</summary>
    Arguments = 3,
    /// <summary>A progress report: a JSON array of the parameter's number and the value.</summary>
    Progress = 4,
    /// <summary>One item of a sequence, JSON.</summary>
    Item = 5,
    /// <summary>The result, JSON; the last parcel of a response unless bytes follow.</summary>
    Result = 6,
    /// <summary>The sequence or the stream is complete; the last parcel.</summary>
    End = 7,
    /// <summary>The call failed, JSON; the last parcel.</summary>
    Error = 8,
}
