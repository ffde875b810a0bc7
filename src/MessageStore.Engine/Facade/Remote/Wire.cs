using System.Buffers.Binary;

namespace MessageStore.Remote;

/// <summary>Sizes and names of the socket protocol, byte by byte in <c>docs/format-socket.md</c>.</summary>
internal static class Wire
{
    /// <summary>Version of the framing. What the parcels say is in <see cref="StoreContract.Fingerprint"/>.</summary>
    public const int Protocol = 2;

    /// <summary>Kind, then the payload's length.</summary>
    public const int HeaderLength = 5;

    /// <summary>The most bytes of a message in one parcel (64 KiB).</summary>
    public const int ChunkLength = 64 << 10;

    /// <summary>The longest JSON in one parcel (256 MiB): the receipts of a run over a million mailboxes fit.</summary>
    public const int LongestJson = 256 << 20;

    public const string Route = "/store";

    /// <summary>Tells the server to stop; no body.</summary>
    public const string StopRoute = "/stop";

    /// <summary>Ends a call that is under way: its name follows; no body.</summary>
    public const string CancelRoute = "/cancel";

    /// <summary>Names a call, so that it can be cancelled: a GUID of the caller's.</summary>
    public const string CallHeader = "MessageStore-Call";

    /// <summary>The ErrorId that says that a call ended because its caller cancelled it. Only the wire knows it: the caller sees an <see cref="OperationCanceledException"/>.</summary>
    public const string Cancelled = "Cancelled";

    public const string ContractHeader = "MessageStore-Contract";

    public const string ContentType = "application/x-messagestore-call";

    public static void WriteHeader(Span<byte> header, WireKind kind, int length)
    {
        header[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(header[1..], length);
    }
}
