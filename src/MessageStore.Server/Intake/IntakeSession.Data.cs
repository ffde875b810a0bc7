using MessageStore.Messages;

namespace MessageStore.Server.Intake;

/// <summary>The text of a message: by DATA or in chunks. It is acknowledged when it is durable, not before.</summary>
internal sealed partial class IntakeSession
{
    private const string Origin = "The message";

    private async Task DataAsync(string rest)
    {
        Reply? refusal = envelope is null || envelope.Chunks is not null ? Reply.OutOfOrder : rest.Length > 0 ? Reply.Syntax : envelope.Recipients.Count == 0 ? Reply.NoRecipients : null;
        if (refusal is not null)
        {
            Say(refusal);
            return;
        }
        if (!await TakePlaceAsync().ConfigureAwait(false))
        {
            Say(Reply.NoPlace);
            Reset();
            return;
        }
        try
        {
            Say(Reply.GoAhead);
            using BodyWriter body = Begin();
            // A message that has begun may end even though the server is stopping; the host cuts the connection in the end.
            (Arrival arrival, DotReader text) = await pipe.ReadTextAsync(body, Limits.DataIdleTime, NewPace(), server.Cut).ConfigureAwait(false);
            if (arrival != Arrival.Here)
            {
                Break(arrival);
                return;
            }
            if (text.IsSmuggled) isOver = true; // what follows may be somebody else's commands
            await FinishAsync(body, text.IsSmuggled ? Reply.Smuggled : text.LongestLine > Limits.LineBytes ? Reply.TextLineTooLong : null).ConfigureAwait(false);
        }
        finally
        {
            server.Messages.Release();
        }
    }

    private async Task ChunkAsync(string rest)
    {
        string[] words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        bool isLast = words.Length == 2 && words[1].Equals("LAST", StringComparison.OrdinalIgnoreCase);
        if (words.Length is 0 or > 2 || words.Length == 2 && !isLast || !CommandArguments.TryLength(words[0], out long length))
        {
            // Nobody knows where the chunk ends.
            Say(Reply.Syntax);
            isOver = true;
            return;
        }
        Reply? refusal = envelope is null ? Reply.OutOfOrder : envelope.Recipients.Count == 0 ? Reply.NoRecipients : null;
        if (refusal is null && envelope!.Chunks is null)
        {
            if (await TakePlaceAsync().ConfigureAwait(false))
            {
                envelope.Begin(Begin(), NewPace(), server.Messages);
            }
            else
            {
                refusal = Reply.NoPlace;
                Reset(); // chunks that follow are out of order, and passed over as well
            }
        }
        // A chunk that nobody wants is passed over; of one that is too long the writer keeps no more than the limit.
        (BodyWriter? chunks, MessagePace pace) = refusal is null ? (envelope!.Chunks, envelope.Pace!) : (null, NewPace());
        Arrival arrival = await pipe.ReadChunkAsync(chunks, length, Limits.DataIdleTime, pace, server.Cut).ConfigureAwait(false);
        if (arrival != Arrival.Here) Break(arrival);
        else if (refusal is not null) Say(refusal);
        else if (isLast) await FinishAsync(envelope!.Chunks!, null).ConfigureAwait(false);
        else Say(Reply.Ok);
    }

    /// <summary>Waits until the message may come in.</summary>
    /// <returns>Whether it may; others have kept all places for too long, or the server is to stop.</returns>
    private async ValueTask<bool> TakePlaceAsync()
    {
        if (server.Messages.Wait(0, CancellationToken.None)) return true;
        using var patient = new CancellationTokenSource(Limits.PlaceTime, server.Clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(patient.Token, server.Stopping, server.Cut);
        Task gone = Task.CompletedTask;
        try
        {
            await pipe.FlushAsync(patience.Token).ConfigureAwait(false); // what was answered until now does not wait
            Task place = server.Messages.WaitAsync(patience.Token);
            gone = line.GoneAsync(patience.Token);
            if (await Task.WhenAny(place, gone).ConfigureAwait(false) == gone) await patience.CancelAsync().ConfigureAwait(false); // nobody is there any more to bring it
            await place.ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            await patience.CancelAsync().ConfigureAwait(false);
            await gone.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private MessagePace NewPace() => new(Limits, server.Clock);

    private BodyWriter Begin()
    {
        var body = new BodyWriter(Origin, Limits.MessageBytes);
        if (listener.AddTrace) body.Write(server.Store.Trace(envelope!, hello, client, server.Settings.HostName, tls is null ? "ESMTP" : isSignedIn ? "ESMTPSA" : "ESMTPS"));
        return body;
    }

    /// <summary>Stores what came, and answers: once by SMTP, for each recipient by LMTP (RFC 2033 §4.2).</summary>
    private async Task FinishAsync(BodyWriter body, Reply? refusal)
    {
        IReadOnlyList<Reply> replies = [];
        if (refusal is null)
        {
            try
            {
                using MessageBody complete = body.Complete();
                Task<IReadOnlyList<Reply>> storing = server.Store.StoreAsync(envelope!, complete);
                IntakeCrew.Hold(storing);
                replies = await storing.ConfigureAwait(false);
            }
            catch (MessageStoreException error)
            {
                refusal = error.ErrorId switch { ErrorIds.MessageTooLarge => Reply.TooLarge, ErrorIds.DiskFull => Reply.DiskFull, _ => Reply.TryLater };
            }
        }
        if (refusal is not null) replies = [.. envelope!.Recipients.Select(_ => refusal)];
        // By SMTP there is one answer for all: where one copy failed the sender sends the message again, and some get it twice. Nobody gets it never.
        if (!IsLmtp) replies = [replies.FirstOrDefault(r => r.IsRefusal) ?? replies[0]];
        foreach (Reply reply in replies) Say(reply);
        if (refusal is null) commands = 0;
        Reset();
    }

    /// <summary>The message will not come to its end.</summary>
    private void Break(Arrival arrival)
    {
        isOver = true;
        if (arrival is Arrival.Idle or Arrival.Stopping) Say(Reply.Idle);
        else if (arrival == Arrival.TooSlow) Say(Reply.TooSlow);
        Reset();
    }
}
