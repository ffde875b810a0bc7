using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Archiving;

/// <summary>What is damaged is taken out of an archive file: what is whole moves, byte for byte and in order, what is not stays in the file, and the file is set aside.</summary>
public sealed class DamagedVolumeTests(ITestOutputHelper output)
{
    private const int Count = 8;
    private const int Survivors = 3;
    private const string Unit = "archive";

    private static readonly string Database = Path.GetFullPath("/db");
    private static readonly string Volume = ArchivePaths.VolumeOf(ArchiveSamples.Mailbox, ArchiveSamples.Day);
    private static readonly string Next = ArchivePaths.Generation(Volume, 2);
    private static readonly string Aside = PathOf(Volume) + ".damaged-20260801000000";

    /// <param name="damaged">Which records are damaged in their bodies.</param>
    [Theory]
    [InlineData(4)]
    [InlineData(0)]
    [InlineData(Count - 1)]
    [InlineData(1, 2, 5)]
    [InlineData(0, 1, 2, 3, 4, 5, 6)]
    public async Task Whole_records_move_byte_for_byte_and_in_order_with_their_keys(params int[] damaged)
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        ArchiveKey[] all = Keys(keys);
        foreach (int i in damaged) Damage(storage, all[i]);
        byte[] before = storage.Content(PathOf(Volume));
        ArchiveKey[] whole = [.. all.Where((_, i) => !damaged.Contains(i))];

        MendedVolume mended = Mend(storage, keys)!;

        Assert.Equal((Next, Aside, damaged.Length, whole.Length), (mended.Next, mended.Aside, mended.Behind, mended.Records));
        Assert.Equal((all[damaged[0]].Offset, damaged.Sum(i => all[i].Length), damaged.Length), (mended.Damage.Offset, mended.Damage.Length, mended.Damage.Stretches));
        Assert.Equal(whole.SelectMany(k => before[(int)k.Offset..(int)(k.Offset + k.Length)]), storage.Content(PathOf(Next)));
        Assert.Equal(before, storage.Content(Aside));
        Assert.False(storage.FileExists(PathOf(Volume)));
        await AssertReadableAsync(storage, keys, damaged);
        // What is lost says where it was, also to whoever reads it.
        foreach (int i in damaged)
        {
            Assert.Equal(all[i], Assert.Single(keys.Find(all[i].Id)));
            var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await Target(storage, keys).OpenAsync(all[i]));
            Assert.Equal(ErrorIds.ArchiveFileMissing, error.ErrorId);
            Assert.Contains($"set aside as {Aside}", error.Message, StringComparison.Ordinal);
        }
        Assert.Null(Mend(storage, keys, Next));
        // Where the file is brought back, its keys hold again; and appending goes on in the new one.
        await AppendAsync(storage, keys, Count, 1);
        Assert.Equal(Next, Keys(keys).Single(k => Number(k) == Count).Volume);
    }

    [Fact]
    public async Task Nothing_is_rewritten_where_nothing_is_damaged()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        byte[] before = storage.Content(PathOf(Volume));
        Assert.Null(Mend(storage, keys));
        Assert.Equal(before, storage.Content(PathOf(Volume)));
        Assert.Equal([PathOf(Volume)], storage.ListFiles(Path.GetDirectoryName(PathOf(Volume))!));
    }

    [Fact]
    public async Task A_header_that_is_damaged_and_bytes_that_are_cut_off_are_taken_out()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        ArchiveKey[] all = Keys(keys);
        storage.Corrupt(PathOf(Volume), all[3].Offset + 40, 1);
        storage.Put(PathOf(Volume), storage.Content(PathOf(Volume)).AsSpan(0, (int)all[^1].Offset + 5));
        MendedVolume mended = Mend(storage, keys)!;
        Assert.Equal((2, Count - 2, 2L), (mended.Damage.Stretches, mended.Records, mended.Behind));
        await AssertReadableAsync(storage, keys, [3, Count - 1]);
    }

    [Fact]
    public async Task What_lies_between_records_is_taken_out_and_keys_that_no_longer_fit_are_mended()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        byte[] before = storage.Content(PathOf(Volume));
        int at = (int)Keys(keys)[5].Offset;
        storage.Put(PathOf(Volume), [.. before[..at], .. new byte[3], .. before[at..]]);
        // Its keys do not cover the last bytes any more: an interrupted run could have left them.
        var error = Assert.Throws<MessageStoreException>(() => Mend(storage, keys));
        Assert.Contains("interrupted run", error.Message, StringComparison.Ordinal);
        keys.Cover([new CoveredVolume("files", Unit, Volume, before.Length + 3)]);

        MendedVolume mended = Mend(storage, keys)!;

        Assert.Equal((at, 3L, 0L), (mended.Damage.Offset, mended.Damage.Length, mended.Behind));
        Assert.Equal(before, storage.Content(PathOf(Next)));
        await AssertReadableAsync(storage, keys);
    }

    [Fact]
    public async Task A_record_without_a_key_is_kept_and_a_key_that_somebody_has_to_see_to_keeps_the_file()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        ArchiveKey[] all = Keys(keys);
        keys.Remove([all[2].Id, all[^1].Id]);
        Damage(storage, all[4]);
        byte[] before = storage.Content(PathOf(Volume));

        var error = Assert.Throws<MessageStoreException>(() => Mend(storage, keys, mayStay: _ => false));
        Assert.Contains(all[4].Id.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Equal(before, storage.Content(PathOf(Volume)));
        Assert.False(storage.FileExists(PathOf(Next)));

        Assert.Equal(Count - 1, Mend(storage, keys)!.Records);
        Assert.Equal(all.Where((_, i) => i != 4).Select(k => k.Id), Target(storage, keys).Walk(Next).Select(r => r.Id));
        // Nothing of it is taken for what an interrupted run left.
        using IArchiveSession session = await Target(storage, keys).OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
        Assert.Empty(session.Unrecorded);
    }

    [Fact]
    public async Task A_file_without_a_whole_record_stays_while_a_key_points_at_it_and_goes_aside_afterwards()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        foreach (ArchiveKey key in Keys(keys)) Damage(storage, key);
        Assert.Contains("no whole record", Assert.Throws<MessageStoreException>(() => Mend(storage, keys)).Message, StringComparison.Ordinal);
        Assert.True(storage.FileExists(PathOf(Volume)));
        keys.Remove([.. Keys(keys).Select(k => k.Id)]);
        Assert.Equal(("", 0, Aside), (Mend(storage, keys)! is var mended ? mended.Next : null, mended.Records, mended.Aside));
        await AppendAsync(storage, keys, Count, 1);
    }

    [Fact]
    public async Task What_was_to_go_from_the_damaged_file_is_to_go_from_the_copy()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        ArchiveKey[] all = Keys(keys);
        TombstoneFile tombstones = Target(storage, keys).Tombstones;
        tombstones.Add([new Tombstones(TombstoneFrameType.Expired, Volume, [all[1].Id]), new Tombstones(TombstoneFrameType.Reclaimed, Volume, [all[2].Id, Guid.NewGuid()])]);
        keys.Remove([all[1].Id, all[2].Id]);
        Damage(storage, all[6]);
        Mend(storage, keys);
        List<Tombstones> laid = [.. tombstones.Read().Where(t => t.Volume == Next)];
        Assert.Equal(all[1].Id, Assert.Single(laid.Single(t => t.Type == TombstoneFrameType.Expired).Ids));
        Assert.Equal(all[2].Id, Assert.Single(laid.Single(t => t.Type == TombstoneFrameType.Reclaimed).Ids));
    }

    [Fact]
    public async Task What_a_damaged_record_carries_in_it_is_not_taken_for_a_record()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        byte[] inner = storage.Content(PathOf(Volume))[..(int)Keys(keys)[1].Offset];
        byte[] carrier = [.. "Subject: a file\n\n"u8, .. inner, .. "\n"u8];
        await AppendAsync(storage, keys, Count, 1, _ => carrier, ArchiveCompression.Stored);
        ArchiveKey outer = Keys(keys).Single(k => Number(k) == Count);
        await AppendAsync(storage, keys, Count + 1, 1);
        storage.Corrupt(PathOf(Volume), outer.Offset + 40, 1);
        MendedVolume mended = Mend(storage, keys, broken: [outer])!;
        Assert.Equal(Count + 1, mended.Records);
        Assert.DoesNotContain(Target(storage, keys).Walk(Next).GroupBy(r => r.Id), g => g.Count() > 1);
    }

    [Fact]
    public async Task A_full_disk_and_a_device_that_fails_leave_the_file_as_it_is()
    {
        MemoryStorage storage = await FillAsync();
        using JournalKeyManager keys = Open(storage);
        Damage(storage, Keys(keys)[2]);
        byte[] before = storage.Content(PathOf(Volume));
        storage.Capacity = 0;
        storage.Capacity = -storage.FreeBytes("/") + 300;
        Assert.Equal(ErrorIds.DiskFull, Assert.Throws<MessageStoreException>(() => Mend(storage, keys)).ErrorId);
        storage.Capacity = long.MaxValue;
        storage.FailAt(1, new IOException("error 5"), StorageOperations.Flush);
        Assert.Equal(ErrorIds.ArchiveUnavailable, Assert.Throws<MessageStoreException>(() => Mend(storage, keys)).ErrorId);
        Assert.Equal(before, storage.Content(PathOf(Volume)));
        Assert.Equal([PathOf(Volume)], storage.ListFiles(Path.GetDirectoryName(PathOf(Volume))!));
        Assert.NotNull(Mend(storage, keys));
        await AssertReadableAsync(storage, keys, [2]);
    }

    [Fact]
    [Trait(Sweeps.Trait, Sweeps.TraitValue)]
    public void After_a_crash_at_any_moment_every_record_is_where_its_key_points_and_the_next_run_goes_on()
    {
        int points = Sweeps.ForEachSeed(8, Crash);
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 300, $"only {points} crash points");
    }

    [Fact]
    [Trait(Sweeps.Trait, Sweeps.TraitValue)]
    public void An_operation_that_fails_loses_nothing_and_the_next_run_goes_on()
    {
        int points = Sweeps.ForEachSeed(4, seed => Sweeps.ForEachOperation(n => Fault(seed, n)));
        Proof.Report(output, $"{points} failing operations");
        if (Sweeps.IsFullSet) Assert.True(points >= 100, $"only {points} operations failed");
    }

    /// <summary>A name that was made and not flushed looks like any other to the next run, until the power fails.</summary>
    [Fact]
    [Trait(Sweeps.Trait, Sweeps.TraitValue)]
    public void After_a_folder_that_could_not_be_flushed_the_next_run_is_safe_from_crashes_too()
    {
        int points = Sweeps.ForEachSeed(2, seed =>
        {
            int sum = 0;
            Sweeps.ForEachOperation(n =>
            {
                Case test = Case.Make(seed);
                using JournalKeyManager keys = Open(test.Storage);
                test.Storage.FailAt(n, new IOException("error 5"), StorageOperations.FlushFolder | StorageOperations.Flush);
                try
                {
                    Mend(test.Storage, keys);
                }
                catch (MessageStoreException)
                {
                    // What counts is what the next run makes of it.
                }
                if (!test.Storage.FaultHappened) return false;
                var sweep = new CrashSweep(test.Storage, seed, Survivors, survivor => Recover(survivor, test));
                try
                {
                    Mend(test.Storage, keys);
                }
                catch (MessageStoreException error) when (error.ErrorId == ErrorIds.KeysClosedForWriting)
                {
                    // What failed was the flush of the keys.
                }
                sum += sweep.End();
                return true;
            });
            return sum;
        });
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 100, $"only {points} crash points");
    }

    private static int Crash(int seed)
    {
        Case test = Case.Make(seed);
        var sweep = new CrashSweep(test.Storage, seed, Survivors, survivor => Recover(survivor, test));
        using JournalKeyManager keys = Open(test.Storage);
        Mend(test.Storage, keys);
        return sweep.End();
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n)
    {
        Case test = Case.Make(seed);
        using (JournalKeyManager keys = Open(test.Storage))
        {
            test.Storage.FailAt(n, new IOException("error 5"));
            try
            {
                Mend(test.Storage, keys);
            }
            catch (MessageStoreException)
            {
                // What counts is what is there afterwards.
            }
            test.Storage.FaultsWait = true;
            for (int chance = 0; chance < 2; chance++) Recover(test.Storage.Fork(new Random(n * 31 + chance)), test);
        }
        Recover(test.Storage, test);
        return test.Storage.FaultHappened;
    }

    private static void Recover(MemoryStorage storage, Case test)
    {
        for (int run = 0; run < 2; run++)
        {
            using JournalKeyManager keys = Open(storage);
            test.Check(storage, keys);
            Mend(storage, keys);
            test.Check(storage, keys);
            if (storage.FileExists(PathOf(Volume))) throw new InvariantException("The next run leaves the damaged file where it was.");
            FileArchiveTarget target = Target(storage, keys);
            List<ArchivedRecordInfo> records = [.. target.ListVolumes().SelectMany(v => target.Walk(v, d => throw new InvariantException($"{d.Length} bytes at {d.Offset} of {d.Path} are no record.")))];
            if (!records.Select(r => r.Id).Order().SequenceEqual(test.Whole.Order())) throw new InvariantException($"{records.Count} records are there instead of {test.Whole.Count}, each once.");
            if (storage.ListFiles(Path.GetDirectoryName(PathOf(Volume))!).FirstOrDefault(p => p.EndsWith(".copying", StringComparison.Ordinal)) is { } left && run > 0)
                throw new InvariantException($"{left} is left.");
            storage.BeforeChange = run > 0 ? null : storage.BeforeChange;
        }
    }

    private static MendedVolume? Mend(MemoryStorage storage, JournalKeyManager keys, string? volume = null, Func<ArchiveKey, bool>? mayStay = null, IReadOnlyList<ArchiveKey>? broken = null)
    {
        FileArchiveTarget target = Target(storage, keys);
        VolumeRewriter rewriter = target.Rewriter();
        var places = new BrokenRecords(broken ?? []);
        VolumeDamage? seen = rewriter.Survey(volume ?? Volume, _ => null, places, CancellationToken.None);
        MendedVolume? mended = rewriter.TakeOutDamage(volume ?? Volume, places, mayStay ?? (_ => true), target.Tombstones, new FixedTime().GetUtcNow(), CancellationToken.None);
        Assert.Equal(seen, mended?.Damage);
        return mended;
    }

    private static async Task AssertReadableAsync(MemoryStorage storage, JournalKeyManager keys, params int[] but)
    {
        foreach (ArchiveKey key in Keys(keys).Where(k => !but.Contains(Number(k))))
        {
            Assert.Equal(Next, key.Volume);
            Assert.Equal(Body(Number(key)), ArchiveSamples.ReadAll(await Target(storage, keys).OpenAsync(key)));
        }
    }

    private static async Task<MemoryStorage> FillAsync()
    {
        MemoryStorage storage = ArchiveSamples.Fresh();
        storage.CreateFolder(Database);
        storage.FlushFolder(Path.GetPathRoot(Database)!);
        JournalKeyManager.Create(storage, Database);
        using JournalKeyManager keys = Open(storage);
        await AppendAsync(storage, keys, 0, Count);
        return storage;
    }

    private static async Task AppendAsync(MemoryStorage storage, JournalKeyManager keys, int first, int count, Func<int, byte[]>? body = null, ArchiveCompression compression = ArchiveCompression.Fastest)
    {
        using var writer = new ArchiveRecordWriter(compression, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        for (int i = first; i < first + count; i++) batch.Add(ArchiveSamples.Entry((body ?? Body)(i), i));
        using IArchiveSession session = await Target(storage, keys).OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
        Assert.Empty(session.Unrecorded);
        keys.Put(await session.AppendAsync(batch));
    }

    private static byte[] Body(int number) => ArchiveSamples.Body(new Random(number), 200 + number * 37);

    private static int Number(ArchiveKey key) => key.Id.ToByteArray()[0];

    private static ArchiveKey[] Keys(JournalKeyManager keys) => [.. keys.List().OrderBy(Number)];

    private static void Damage(MemoryStorage storage, ArchiveKey key) => storage.Corrupt(PathOf(key.Volume), key.Offset + key.Length - 12, 4);

    private static string PathOf(string volume) => ArchivePaths.Resolve(ArchiveSamples.Root, volume);

    private static FileArchiveTarget Target(MemoryStorage storage, JournalKeyManager keys) => new(storage, ArchiveSamples.Root, ArchiveSamples.DatabaseId, keys, new FixedTime(), Unit);

    private static JournalKeyManager Open(MemoryStorage storage) => JournalKeyManager.Open(storage, Database, TimeProvider.System);

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 8, 1, 0, 0, 0, TimeSpan.Zero);
    }

    /// <summary>A file of which some records are damaged and some have no key.</summary>
    private sealed record Case(MemoryStorage Storage, byte[] Before, HashSet<Guid> Whole, HashSet<Guid> Keyed)
    {
        public static Case Make(int seed)
        {
            MemoryStorage storage = FillAsync().GetAwaiter().GetResult();
            var random = new Random(seed);
            using JournalKeyManager keys = Open(storage);
            ArchiveKey[] all = Keys(keys);
            HashSet<Guid> whole = [.. all.Select(k => k.Id)], keyed = [.. whole];
            for (int i = 0; i < Count; i++)
            {
                if (i == seed % Count || random.Next(4) == 0)
                {
                    storage.Corrupt(PathOf(Volume), all[i].Offset + random.Next((int)all[i].Length), 1);
                    whole.Remove(all[i].Id);
                }
                if (random.Next(4) == 0) keyed.Remove(all[i].Id);
            }
            keys.Remove([.. all.Select(k => k.Id).Where(id => !keyed.Contains(id))]);
            Target(storage, keys).Tombstones.Add([new Tombstones(TombstoneFrameType.Expired, Volume, [.. all.Select(k => k.Id).Where(id => !keyed.Contains(id))])]);
            return new Case(storage, storage.Content(PathOf(Volume)), whole, keyed);
        }

        /// <summary>Every key is there and names a whole record, or the damaged one where it was; and the damaged file is there, byte for byte.</summary>
        public void Check(MemoryStorage storage, JournalKeyManager keys)
        {
            foreach (Guid id in Keyed)
            {
                ArchiveKey key = keys.Find(id).Single();
                if (Whole.Contains(id))
                {
                    byte[] body = ArchiveSamples.ReadAll(Target(storage, keys).OpenAsync(key).AsTask().GetAwaiter().GetResult());
                    if (!body.AsSpan().SequenceEqual(Body(Number(key)))) throw new InvariantException($"Message {Number(key)} has other bytes.");
                }
                else if (key.Volume != Volume) throw new InvariantException($"The key of the lost message {Number(key)} points into {key.Volume}.");
            }
            List<string> files = [.. storage.ListFiles(Path.GetDirectoryName(PathOf(Volume))!).Where(p => p.StartsWith(PathOf(Volume), StringComparison.Ordinal))];
            if (!files.Exists(p => storage.Content(p).AsSpan().SequenceEqual(Before))) throw new InvariantException("The damaged file is gone.");
        }
    }
}
