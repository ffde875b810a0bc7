namespace MessageStore.Remote;

/// <summary>
/// Carries a caller's cancelling over to the other end. A call that is not sent whole is given up: nothing has begun. After that the server is told, and the caller goes on listening until the run has ended there, as it would in
/// its own process.
/// </summary>
internal sealed class CallCancellation : IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    private readonly StoreConnection connection;
    private readonly CancellationTokenSource sending = new();
    private readonly CancellationTokenSource over = new();
    private readonly CancellationToken isOver;
    private readonly CancellationTokenRegistration registration;
    private readonly Lock gate = new();
    private bool isSent;
    private bool isCancelled;
    private int disposed;

    public CallCancellation(StoreConnection connection, CancellationToken cancellationToken)
    {
        this.connection = connection;
        isOver = over.Token;
        Sending = sending.Token;
        Token = cancellationToken;
        registration = cancellationToken.Register(Cancel);
    }

    /// <summary>Names the call at the other end.</summary>
    public Guid Id { get; } = Guid.NewGuid();

    /// <summary>What the caller cancels.</summary>
    public CancellationToken Token { get; private set; }

    /// <summary>Cancelled where the call is given up before it is sent.</summary>
    public CancellationToken Sending { get; }

    /// <summary>Says that the last bytes of the call go out now.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled before.</exception>
    public void Sent()
    {
        lock (gate)
        {
            if (isCancelled && !isSent) throw new OperationCanceledException(Sending);
            isSent = true;
        }
    }

    /// <summary>Ends the call: at once where it is not sent yet, otherwise at the other end.</summary>
    public void Cancel()
    {
        bool hasBegun;
        lock (gate)
        {
            if (isCancelled) return;
            isCancelled = true;
            hasBegun = isSent;
        }
        if (hasBegun) _ = TellAsync();
        else sending.Cancel();
    }

    /// <summary>Stops listening to the caller's token: what it was for is over.</summary>
    public void Forget()
    {
        registration.Dispose();
        Token = CancellationToken.None;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        registration.Dispose();
        over.Cancel();
        over.Dispose();
        sending.Dispose();
    }

    private async Task TellAsync()
    {
        try
        {
            // The request to cancel may overtake the call, which goes over a connection of its own.
            while (!await connection.CancelAsync(Id, isOver).ConfigureAwait(false)) await Task.Delay(LookInterval, isOver).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The call has ended, or the server has: whoever waits for the answer learns it there.
        }
    }
}
