using MessageStore.Replication;

namespace MessageStore.Tests.Replication;

public sealed class WorkInFlightTests
{
    [Fact]
    public async Task No_more_pieces_are_under_way_than_allowed()
    {
        var work = new WorkInFlight(3, long.MaxValue);
        TaskCompletionSource[] pieces = [.. Enumerable.Range(0, 4).Select(_ => new TaskCompletionSource())];
        foreach (TaskCompletionSource piece in pieces[..3]) await work.BeginAsync(() => piece.Task, 1);
        bool begun = false;
        Task fourth = work.BeginAsync(() => Begin(pieces[3].Task, () => begun = true), 1).AsTask();
        Assert.False(begun);
        pieces[1].SetResult();
        await fourth;
        Assert.True(begun);
        foreach (TaskCompletionSource piece in pieces) piece.TrySetResult();
        await work.EndAsync();
    }

    [Fact]
    public async Task Pieces_hold_no_more_bytes_than_allowed_and_a_larger_one_goes_alone()
    {
        var work = new WorkInFlight(100, 10);
        var first = new TaskCompletionSource();
        var second = new TaskCompletionSource();
        var large = new TaskCompletionSource();
        await work.BeginAsync(() => first.Task, 6);
        await work.BeginAsync(() => second.Task, 4);
        bool begun = false;
        Task alone = work.BeginAsync(() => Begin(large.Task, () => begun = true), 50).AsTask();
        first.SetResult();
        Assert.False(begun);
        second.SetResult();
        await alone;
        Assert.True(begun);
        bool next = false;
        Task after = work.BeginAsync(() => Begin(Task.CompletedTask, () => next = true), 1).AsTask();
        Assert.False(next);
        large.SetResult();
        await after;
        await work.EndAsync();
    }

    [Fact]
    public async Task After_an_error_no_more_are_begun_and_the_others_are_waited_for()
    {
        var work = new WorkInFlight(2, long.MaxValue);
        var slow = new TaskCompletionSource();
        await work.BeginAsync(() => slow.Task, 1);
        await work.BeginAsync(() => Task.FromException(new InvalidOperationException("the piece failed")), 1);
        bool begun = false;
        await Assert.ThrowsAsync<InvalidOperationException>(() => work.BeginAsync(() => Begin(Task.CompletedTask, () => begun = true), 1).AsTask());
        Assert.False(begun);
        Task end = work.EndAsync().AsTask();
        Assert.False(end.IsCompleted);
        slow.SetResult();
        await end;
    }

    private static Task Begin(Task piece, Action note)
    {
        note();
        return piece;
    }
}
