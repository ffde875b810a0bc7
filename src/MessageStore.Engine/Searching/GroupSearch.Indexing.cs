using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>Loading what is there, adding what is missing, writing it out, merging. On the indexer's thread.</summary>
internal sealed partial class GroupSearch
{
    /// <summary>How many slots are looked at while the store's index is locked.</summary>
    private const int SlotsAtOnce = 4096;

    /// <summary>Finds the runs that are whole, and which messages of the store they cover. Files that are damaged, replaced or half written are deleted.</summary>
    /// <exception cref="IOException">The device failed.</exception>
    public void Load(CancellationToken cancellationToken)
    {
        if (isLoaded) return;
        DurableFolder.Create(storage, folder);
        var found = new List<SearchRun>();
        int highest = 0;
        try
        {
            // Those that stand for many come first: what they cover is not looked at.
            foreach (string path in storage.ListFiles(folder).OrderByDescending(RangeOf))
            {
                cancellationToken.ThrowIfCancellationRequested();
                bool isRun = RunFormat.TryParseName(path, out int first, out int last);
                highest = Math.Max(highest, last);
                if (!isRun || found.Exists(r => r.First <= last && first <= r.Last)) storage.DeleteFile(path);
                else if (TryOpen(path) is { } run) found.Add(run);
                else storage.DeleteFile(path);
            }
            foreach (SearchRun run in found.Where(r => !TryMap(r, cancellationToken)).ToList())
            {
                found.Remove(run);
                Discard(run);
            }
        }
        catch
        {
            foreach (SearchRun run in found) run.Dispose();
            throw;
        }
        found.Sort((a, b) => a.First.CompareTo(b.First));
        lock (gate)
        {
            nextNumber = Math.Max(nextNumber, highest + 1);
            runs = found;
            foreach (SearchRun run in found)
                ForSlots(run, slot =>
                {
                    if (!coverage.IsChanged(slot)) coverage.Cover(slot);
                });
            isLoaded = true;
        }
    }

    /// <summary>Indexes messages that are not covered, one at least, for as long as its turn lasts.</summary>
    /// <returns>Whether there are more.</returns>
    /// <exception cref="MessageStoreException">What is indexed cannot be written out.</exception>
    public async Task<bool> IndexSomeAsync(TimeSpan turn, CancellationToken cancellationToken)
    {
        for (long began = clock.GetTimestamp(); ;)
        {
            if (delta.PostingCount >= deltaPostings || delta.Bytes >= deltaBytes) Publish();
            IndexEntry entry;
            int slot;
            lock (Group.SlotGate)
            {
                slot = coverage.Next(cursor);
                if (slot < 0) slot = coverage.Next(0);
                if (slot < 0) return false;
                cursor = slot + 1;
                entry = Group.EntryAt(slot);
            }
            await IndexAsync(slot, entry, cancellationToken).ConfigureAwait(false);
            if (clock.GetElapsedTime(began) >= turn) return true;
        }
    }

    /// <summary>Merges runs of one size class once there are enough of them. On a thread of its own, while the indexer goes on.</summary>
    /// <returns>Whether something was merged.</returns>
    /// <exception cref="MessageStoreException">The merged run cannot be written.</exception>
    public bool MergeIfDue(CancellationToken cancellationToken)
    {
        if (!isLoaded) return false;
        lock (merging) return Merge(cancellationToken);
    }

    private bool Merge(CancellationToken cancellationToken)
    {
        List<SearchRun> due = [.. Due().Where(r => r.TryAcquire())];
        try
        {
            if (due.Count < options.MergeFactor) return false;
            List<int> slots = [];
            SearchRun merged = Write(due[0].First, due[^1].Last, due.Sum(r => r.TextLength), due.Sum(r => r.CutCount),
                writer => slots = RunMerge.Write(due, writer, id =>
                {
                    lock (Group.SlotGate) return Group.SlotOf(id);
                }, cancellationToken), due);
            slots.CopyTo(merged.Slots);
            lock (gate)
            {
                // One that was damaged, or all of them, may have been given up meanwhile.
                if (!due.TrueForAll(runs.Contains))
                {
                    Discard(merged);
                    return true;
                }
                var next = new List<SearchRun>(runs);
                int at = next.IndexOf(due[0]);
                next.RemoveRange(at, due.Count);
                next.Insert(at, merged);
                runs = next;
            }
            foreach (SearchRun run in due) Discard(run);
            return true;
        }
        finally
        {
            foreach (SearchRun run in due) run.Dispose();
        }
    }

    private async Task IndexAsync(int slot, IndexEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            Stream? body = await open(Group, entry, cancellationToken).ConfigureAwait(false);
            if (body is null) return; // gone: the store says so, too
            words.Clear();
            await using (body.ConfigureAwait(false)) reader.Read(body, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is: one message must not keep all others from being found. It is counted, and the reason is said.
            unreadableReason = $"message {entry.Id.ToGuid()}: {error.Message}";
            lock (Group.SlotGate)
                if (IsAt(slot, entry.Id))
                    coverage.SetAside(slot);
            return;
        }
        lock (gate)
        {
            delta.Add(entry.Id, slot, words, reader.TextLength, reader.IsCut);
            lock (Group.SlotGate)
                if (IsAt(slot, entry.Id))
                    coverage.Cover(slot);
        }
    }

    private bool IsAt(int slot, UInt128Bytes id) => Group.EntryAt(slot) is { IsInUse: true } now && now.Id == id;

    /// <summary>Writes the delta out as a run.</summary>
    /// <exception cref="MessageStoreException">The device failed; the delta stays in memory.</exception>
    private void Publish()
    {
        if (delta.DocumentCount == 0) return;
        int number = nextNumber++; // never twice: an old file of this name may still be waiting for its last reader
        SearchRun run = Write(number, number, delta.TextLength, delta.CutCount, delta.WriteTo, []);
        for (int document = 0; document < run.DocumentCount; document++) run.Slots[document] = delta.SlotOf(document);
        lock (gate)
        {
            runs = [.. runs, run];
            delta.Dispose();
            delta = new SearchDelta();
        }
    }

    /// <summary>Writes a run under its final name, durably, and opens it.</summary>
    private SearchRun Write(int first, int last, long textLength, int cutCount, Action<RunWriter> write, IReadOnlyList<SearchRun> from)
    {
        string path = RunFormat.PathOf(folder, first, last);
        try
        {
            AtomicFile.Write(storage, path, file =>
            {
                using var writer = new RunWriter(file, Group.Identity, last, clock.GetUtcNow().UtcTicks);
                write(writer);
                writer.Finish(textLength, cutCount);
            });
            SearchRun run = SearchRun.Open(storage, path, Group.Identity);
            trouble = null;
            return run;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw trouble = StorageErrors.Wrap(error, "writing the search index", path);
        }
        catch (FormatException error)
        {
            // One of the runs is damaged: its messages are indexed anew.
            foreach (SearchRun run in from) Drop(run);
            throw trouble = new MessageStoreException(ErrorIds.DeviceFailed, ErrorKind.Damaged, $"The search index is damaged and is made anew: {error.Message}", path, error);
        }
    }

    /// <summary>Neighbours of which none is larger than a size class, enough of them for a merge; the youngest and smallest first.</summary>
    private List<SearchRun> Due()
    {
        List<SearchRun> now;
        lock (gate) now = runs;
        for (long limit = options.SmallestRun; ; limit *= options.MergeFactor)
        {
            int start = now.Count;
            while (start > 0 && now[start - 1].PostingCount <= limit) start--;
            if (now.Count - start >= options.MergeFactor) return now.GetRange(start, now.Count - start);
            if (start == 0) return [];
        }
    }

    private SearchRun? TryOpen(string path)
    {
        try
        {
            return SearchRun.Open(storage, path, Group.Identity);
        }
        catch (Exception error) when (error is FormatException or OverflowException or MessageStoreException)
        {
            return null; // derived data: its messages are indexed anew
        }
    }

    /// <summary>Finds the messages of a run in the store.</summary>
    /// <returns><see langword="false"/> where the run is damaged.</returns>
    private bool TryMap(SearchRun run, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[RunFormat.IdFrameLength];
        try
        {
            for (int start = 0; start < run.DocumentCount; start += RunFormat.IdsPerFrame)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ReadOnlySpan<byte> ids = run.ReadIds(start / RunFormat.IdsPerFrame, buffer);
                lock (Group.SlotGate)
                    for (int i = 0; i * RunFormat.IdSize < ids.Length; i++)
                        run.Slots[start + i] = Group.SlotOf(UInt128Bytes.Read(ids[(i * RunFormat.IdSize)..]));
            }
        }
        catch (FormatException)
        {
            return false;
        }
        return true;
    }

    /// <summary>A run is damaged: it goes, and its messages are indexed anew.</summary>
    private void Drop(SearchRun run)
    {
        lock (gate)
        {
            if (!runs.Contains(run)) return; // somebody else found out, or it is merged: then from what could be read
            runs = [.. runs.Where(r => r != run)];
            ForSlots(run, coverage.Uncover);
        }
        Discard(run);
    }

    /// <summary>Does something with each slot of a run, with the store's index locked, and lets it go now and then.</summary>
    private void ForSlots(SearchRun run, Action<int> act)
    {
        for (int start = 0; start < run.DocumentCount; start += SlotsAtOnce)
            lock (Group.SlotGate)
                foreach (int slot in run.Slots.AsSpan(start, Math.Min(SlotsAtOnce, run.DocumentCount - start)))
                    if (slot >= 0)
                        act(slot);
    }

    private static int RangeOf(string path) => RunFormat.TryParseName(path, out int first, out int last) ? last - first : -1;
}
