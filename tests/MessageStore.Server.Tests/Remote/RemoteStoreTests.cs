using System.Runtime.CompilerServices;
using MessageStore.Messages;
using MessageStore.Remote;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;
using MessageStore.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace MessageStore.Server.Tests.Remote;

/// <summary>What goes wrong on the way, and what must not.</summary>
public sealed class RemoteStoreTests(ScriptedHost server) : IClassFixture<ScriptedHost>
{
    /// <summary>Guards against hanging, no measure of speed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public static TheoryData<object?> Targets => new(null, "a path", Guid.NewGuid(), 42, new MessageQuery { Mailbox = "alice" });

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task An_operating_error_arrives_as_it_was_thrown(object? target)
    {
        var inner = new MessageStoreException(ErrorIds.DiskFull, ErrorKind.Device, "The disk is full.", "/disk");
        server.Act = (_, _) => Task.FromException<DatabaseStatus>(new MessageStoreException(ErrorIds.LogMissing, ErrorKind.Busy, "Müll \"here\".", target, inner));
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => server.Client.GetStatusAsync());
        Assert.Equal(ErrorIds.LogMissing, error.ErrorId);
        Assert.Equal(ErrorKind.Busy, error.Kind);
        Assert.True(error.IsTransient);
        Assert.Equal("Müll \"here\".", error.Message);
        Assert.Equal(Sample.Describe(target), Sample.Describe(error.Target));
        var cause = Assert.IsType<MessageStoreException>(error.InnerException);
        Assert.Equal((ErrorIds.DiskFull, ErrorKind.Device, "/disk"), (cause.ErrorId, cause.Kind, cause.Target));
    }

    [Fact]
    public async Task An_error_before_the_task_an_error_amid_a_sequence_and_an_error_amid_a_stream_arrive_after_what_came_before()
    {
        var trouble = new MessageStoreException(ErrorIds.MessageDamaged, ErrorKind.Damaged, "Rot.", "m");
        server.Act = (method, _) => method.Name switch
        {
            nameof(IMessageStore.ListMailboxesAsync) => ThenFail(trouble),
            nameof(IMessageStore.OpenReadAsync) => Task.FromResult<Stream>(new FailingStream(100_000, trouble)),
            _ => throw trouble,
        };
        Assert.Equal("Rot.", (await Assert.ThrowsAsync<MessageStoreException>(() => server.Client.DeleteAsync(Guid.NewGuid()))).Message);

        var names = new List<string>();
        MessageStoreException late = await Assert.ThrowsAsync<MessageStoreException>(async () =>
        {
            await foreach (MailboxInfo mailbox in server.Client.ListMailboxesAsync()) names.Add(mailbox.Name);
        });
        Assert.Equal(ErrorIds.MessageDamaged, late.ErrorId);
        Assert.Equal(["1", "2"], names);

        await using Stream stream = await server.Client.OpenReadAsync(Guid.NewGuid());
        var bytes = new MemoryStream();
        Assert.Equal(ErrorIds.MessageDamaged, (await Assert.ThrowsAsync<MessageStoreException>(() => stream.CopyToAsync(bytes))).ErrorId);
        Assert.Equal(100_000, bytes.Length);
    }

    [Fact]
    public async Task A_fault_of_the_program_is_named_and_the_server_serves_on()
    {
        server.Act = (method, _) => method.Name == nameof(IMessageStore.GetStatusAsync) ? throw new InvalidOperationException("a bug") : Task.CompletedTask;
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => server.Client.GetStatusAsync());
        Assert.Equal(ErrorIds.ServerFailed, error.ErrorId);
        Assert.Contains("a bug", error.Message, StringComparison.Ordinal);
        await server.Client.DeleteAsync(Guid.NewGuid());
    }

    [Fact]
    public async Task Cancelling_a_call_waits_until_the_run_at_the_other_end_has_ended()
    {
        var begun = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        var mayEnd = new TaskCompletionSource();
        bool hasEnded = false;
        server.Act = (_, arguments) => WaitAsync((CancellationToken)arguments[^1]!);
        using var stop = new CancellationTokenSource();
        Task<BackupRun> run = server.Client.BackupAsync(new BackupOptions(), null, stop.Token);
        await begun.Task.WaitAsync(Patience);
        await stop.CancelAsync();
        await cancelled.Task.WaitAsync(Patience);
        Assert.False(run.IsCompleted); // the batch that it is in is not done
        mayEnd.SetResult();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(Patience));
        Assert.True(hasEnded);

        async Task<BackupRun> WaitAsync(CancellationToken token)
        {
            begun.SetResult();
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, token);
            }
            finally
            {
                if (token.IsCancellationRequested) cancelled.SetResult();
                await mayEnd.Task.WaitAsync(Patience, CancellationToken.None); // ends when it likes, cancelled or not
                hasEnded = true;
            }
            throw new InvalidOperationException("never");
        }
    }

    [Fact]
    public async Task A_run_that_ended_well_although_it_was_cancelled_gives_its_result_and_a_sequence_stops()
    {
        using var stop = new CancellationTokenSource();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Act = (method, arguments) => method.Name == nameof(IMessageStore.BackupAsync) ? EndWellAsync((CancellationToken)arguments[^1]!) : NamesAsync((CancellationToken)arguments[^1]!);
        Task<BackupRun> run = server.Client.BackupAsync(new BackupOptions(), null, stop.Token);
        await begun.Task.WaitAsync(Patience); // a call that was cancelled before it was sent never begins
        await stop.CancelAsync();
        Assert.NotNull(await run.WaitAsync(Patience));

        using var enough = new CancellationTokenSource();
        int taken = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (MailboxInfo _ in server.Client.ListMailboxesAsync(null, enough.Token))
                if (++taken == 3) await enough.CancelAsync();
        });
        Assert.Equal(3, taken); // what was on its way is passed over

        async Task<BackupRun> EndWellAsync(CancellationToken token)
        {
            begun.SetResult();
            var told = new TaskCompletionSource();
            using CancellationTokenRegistration registration = token.Register(told.SetResult);
            await told.Task;
            return (BackupRun)Sample.Make(typeof(BackupRun), full: true)!;
        }

        static async IAsyncEnumerable<MailboxInfo> NamesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            for (int i = 0; ; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
                yield return new MailboxInfo { Name = $"{i}", StorageGroup = "SG1" };
            }
        }
    }

    [Fact]
    public async Task What_is_cancelled_before_it_was_sent_never_begins()
    {
        int called = 0;
        server.Act = (_, _) => { Interlocked.Increment(ref called); return Task.CompletedTask; };
        using var stop = new CancellationTokenSource();
        using MessageBody body = MessageBody.FromMemory(Sample.Bytes(3_000));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.Client.AppendAsync(new MessageToAppend { Mailbox = "alice", Body = body }, stop.Token));
        Assert.Equal(0, called);
    }

    [Fact]
    public async Task A_sequence_waits_for_whoever_takes_it_and_ends_when_it_is_left()
    {
        int made = 0;
        var left = new TaskCompletionSource();
        server.Act = (_, _) => Endless();
        await foreach (MailboxInfo _ in server.Client.ListMailboxesAsync())
        {
            int before;
            do
            {
                before = Volatile.Read(ref made);
                await Task.Delay(100);
            }
            while (before != Volatile.Read(ref made));
            // What fits into the buffers between is some thousands; without back-pressure this would not end.
            Assert.InRange(before, 1, 100_000);
            break;
        }
        await left.Task.WaitAsync(Patience);

        async IAsyncEnumerable<MailboxInfo> Endless()
        {
            await Task.Yield();
            try
            {
                while (true)
                {
                    Interlocked.Increment(ref made);
                    yield return new MailboxInfo { Name = new string('x', 200), StorageGroup = "SG1" };
                }
            }
            finally
            {
                left.SetResult();
            }
        }
    }

    [Fact]
    public async Task A_body_longer_than_memory_arrives_whole_and_is_gone_afterwards()
    {
        byte[] bytes = Sample.Bytes(5_000_000);
        string digest = "";
        MessageBody? received = null;
        server.Act = (_, arguments) =>
        {
            received = ((MessageToAppend)arguments[0]!).Body;
            digest = $"{received.Length} {Convert.ToHexString(received.Sha256)} {received.IsInMemory}";
            return Task.FromResult((StoredMessage)Sample.Make(typeof(StoredMessage), full: true)!);
        };
        using var stream = new MemoryStream(bytes);
        using MessageBody body = MessageBody.FromStream(stream);
        await server.Client.AppendAsync(new MessageToAppend { Mailbox = "alice", Body = body });
        Assert.Equal($"5000000 {Convert.ToHexString(body.Sha256)} False", digest);
        // The server gives it up once the answer is on its way, which the caller may have read by then.
        using var guard = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!IsGone(received!)) await Task.Delay(TimeSpan.FromMilliseconds(5), guard.Token);

        static bool IsGone(MessageBody body)
        {
            try
            {
                body.Read(new byte[1], 0);
                return false;
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        }
    }

    [Fact]
    public async Task A_server_of_another_version_is_refused_with_both_versions()
    {
        using var folder = new TemporaryFolder();
        using ServerSocket socket = ServerSocket.For(folder.Path);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket.Path));
        await using WebApplication host = builder.Build();
        host.MapGet("/store", () => new ServerGreeting { Protocol = Wire.Protocol, Contract = "another", Version = "9.8.7", ProcessId = 4711, Started = DateTimeOffset.UtcNow });
        await host.StartAsync();
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => RemoteMessageStore.ConnectAsync(folder.Path, socket.Path));
        Assert.Equal(ErrorIds.ServerIncompatible, error.ErrorId);
        Assert.Contains("9.8.7", error.Message, StringComparison.Ordinal);
        Assert.Contains("4711", error.Message, StringComparison.Ordinal);
        Assert.Contains(ServerGreeting.OwnVersion, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopping_server_tells_whoever_waits()
    {
        var begun = new TaskCompletionSource();
        var clock = new SteppedClock(DateTimeOffset.UnixEpoch);
        await using SocketHost other = await SocketHost.StartAsync(ScriptedStore.Create((_, arguments) => WaitAsync((CancellationToken)arguments[^1]!)), clock);
        Task<BackupRun> run = other.Client.BackupAsync(new BackupOptions());
        await begun.Task.WaitAsync(Patience);
        Task stopped = other.StopAsync();
        await clock.TimerAsync(TimeSpan.FromSeconds(2));
        Assert.False(run.IsCompleted); // it still may end by itself
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(ErrorIds.ServerStopping, (await Assert.ThrowsAsync<MessageStoreException>(() => run)).ErrorId);
        await stopped;

        async Task<BackupRun> WaitAsync(CancellationToken token)
        {
            begun.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            throw new InvalidOperationException("never");
        }
    }

    private static async IAsyncEnumerable<MailboxInfo> ThenFail(MessageStoreException error, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Delay(1, cancellationToken);
        yield return new MailboxInfo { Name = "1", StorageGroup = "SG1" };
        yield return new MailboxInfo { Name = "2", StorageGroup = "SG1" };
        throw error;
    }

    /// <summary>Zeros, then an error.</summary>
    private sealed class FailingStream(int length, Exception error) : MemoryStream(new byte[length])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position < Length ? await base.ReadAsync(buffer, cancellationToken) : throw error;
    }
}
