using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.ObjectStorage;

/// <summary>
/// A run of the archive agent onto object storage, with a fault at every request of it in turn. Whatever happens, every message is readable exactly once, and the next run
/// completes what this one did not.
/// </summary>
public sealed class ArchiveRunFaultTests(ITestOutputHelper output)
{
    private static readonly string[] Mailboxes = ["ada@example.org", "bob@example.org"];

    [Theory]
    [InlineData(ObjectFault.NotSent)]
    [InlineData(ObjectFault.Refused)]
    [InlineData(ObjectFault.AnswerLost)]
    [InlineData(ObjectFault.AnswerCut)]
    [InlineData(ObjectFault.AnswerAltered)]
    public Task One_request_fails(ObjectFault fault) => SweepAsync(fault, n => (i, request) => i == n && Hits(fault, request) ? fault : ObjectFault.None, crash: false);

    [Theory]
    [InlineData(ObjectFault.NotSent)]
    [InlineData(ObjectFault.Denied)]
    public Task All_requests_from_one_on_fail(ObjectFault fault) => SweepAsync(fault, n => (i, _) => i >= n ? fault : ObjectFault.None, crash: false);

    [Theory]
    [InlineData(ObjectFault.NotSent)]
    [InlineData(ObjectFault.AnswerLost)]
    public Task The_machine_dies_at_a_request(ObjectFault fault) =>
        SweepAsync(fault, n => (i, _) => i == n ? fault : i > n ? ObjectFault.NotSent : ObjectFault.None, crash: true);

    private async Task SweepAsync(ObjectFault fault, Func<int, Func<int, HttpRequestMessage, ObjectFault>> faultAt, bool crash)
    {
        int faulty = 0, requests;
        while ((requests = await OnceAsync(faulty, fault, faultAt(faulty), crash)) > faulty) faulty++;
        Assert.InRange(faulty, 10, 200);
        Proof.Report(output, $"a run of {requests} requests with the fault {fault} at each of {faulty} places{(crash ? ", then loss of power" : "")}");
    }

    /// <returns>How many requests the run made.</returns>
    private static async Task<int> OnceAsync(int n, ObjectFault fault, Func<int, HttpRequestMessage, ObjectFault> faultAt, bool crash)
    {
        using var server = new FakeObjectServer();
        ObjectBed bed = await ObjectBed.CreateAsync(server, n + 1);
        try
        {
            var messages = new Dictionary<Guid, byte[]>();
            var random = new Random(n);
            foreach (string mailbox in Mailboxes)
            {
                foreach (int length in (int[])[100, 9000, mailbox == Mailboxes[0] ? 40_000 : 3000])
                {
                    byte[] bytes = new byte[length];
                    random.NextBytes(bytes);
                    messages.Add(await bed.AppendAsync(bytes, mailbox), bytes);
                }
            }
            int before = server.Requests.Count;
            server.Fault = (i, request) => faultAt(i - before, request);
            await RunAsync(bed);
            int requests = server.Requests.Count - before;
            server.Fault = (_, _) => ObjectFault.None;
            if (crash)
            {
                ObjectBed after = bed.Crash(n);
                bed = after;
            }
            string where = $"fault {fault} at request {n}";
            await AssertReadableAsync(bed, messages, where);

            await bed.ArchiveAsync();
            Assert.Equal(messages.Count, await AssertReadableAsync(bed, messages, where));
            Assert.Equal(messages.Keys.Order(), ObjectBed.RecordsIn(server).Where(r => r.Value == 1).Select(r => r.Key).Order());
            Assert.Equal(0, server.OpenUploads);
            return requests;
        }
        finally
        {
            bed.Dispose();
        }
    }

    private static async Task RunAsync(ObjectBed bed)
    {
        try
        {
            await bed.ArchiveAsync();
        }
        catch (MessageStoreException error)
        {
            Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId); // nothing was begun then
        }
    }

    /// <returns>How many of the messages are archived.</returns>
    private static async Task<int> AssertReadableAsync(ObjectBed bed, Dictionary<Guid, byte[]> messages, string where)
    {
        int archived = 0;
        foreach ((Guid id, byte[] bytes) in messages)
        {
            (byte[] read, bool isArchived) = await bed.ReadAsync(id);
            Assert.True(bytes.AsSpan().SequenceEqual(read), $"{where}: {id} has other bytes");
            if (isArchived) archived++;
        }
        Assert.Equal(messages.Count, bed.Mail.Groups[0].GetStatus().MessageCount);
        return archived;
    }

    /// <summary>Altered bytes are for bodies of packs: over TCP, and more so TLS, nothing else would be altered and go unnoticed.</summary>
    private static bool Hits(ObjectFault fault, HttpRequestMessage request) =>
        fault != ObjectFault.AnswerAltered || (request.Method == HttpMethod.Get && request.RequestUri!.AbsolutePath.EndsWith(".gz", StringComparison.Ordinal));
}
