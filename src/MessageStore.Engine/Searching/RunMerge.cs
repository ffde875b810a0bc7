using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>Writes several runs as one, front to back, one block of each in memory. Messages that the store does not have any more are left out.</summary>
internal static class RunMerge
{
    /// <summary>Writes the content of the merged run.</summary>
    /// <param name="runs">Neighbours, oldest first.</param>
    /// <returns>Slots of the documents written, in their order.</returns>
    /// <exception cref="FormatException">One of them is damaged.</exception>
    public static List<int> Write(IReadOnlyList<SearchRun> runs, RunWriter writer, Func<UInt128Bytes, int> slotOf, CancellationToken cancellationToken)
    {
        var slots = new List<int>();
        int[][] numbers = [.. runs.Select(r => Number(r, writer, slots, slotOf, cancellationToken))];

        List<RunCursor> cursors = [.. runs.Select(r => new RunCursor(r))];
        var alive = new List<int>();
        for (int i = 0; i < cursors.Count; i++)
            if (cursors[i].Next())
                alive.Add(i);
        int[] documents = [];
        SearchFields[] fields = [];
        byte[] term = new byte[TermTable.TermLimit];
        while (alive.Count > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int least = alive[0];
            foreach (int i in alive)
                if (cursors[i].Term.SequenceCompareTo(cursors[least].Term) < 0)
                    least = i;
            cursors[least].Term.CopyTo(term);
            ReadOnlySpan<byte> now = term.AsSpan(0, cursors[least].Term.Length);
            bool isBegun = false;
            for (int place = 0; place < alive.Count; place++)
            {
                RunCursor cursor = cursors[alive[place]];
                int[] number = numbers[alive[place]];
                bool goesOn = true;
                while (goesOn && cursor.Term.SequenceEqual(now))
                {
                    if (documents.Length < cursor.Count) (documents, fields) = (new int[cursor.Count], new SearchFields[cursor.Count]);
                    cursor.Decode(documents, fields);
                    for (int i = 0; i < cursor.Count; i++)
                    {
                        int document = number[documents[i]];
                        if (document < 0) continue;
                        if (!isBegun) writer.BeginTerm(now);
                        isBegun = true;
                        writer.Post(document, fields[i]);
                    }
                    goesOn = cursor.Next();
                }
                if (!goesOn) alive.RemoveAt(place--);
            }
        }
        return slots;
    }

    /// <summary>New numbers for the documents of a run, whose Ids are written; -1 for those that go.</summary>
    private static int[] Number(SearchRun run, RunWriter writer, List<int> slots, Func<UInt128Bytes, int> slotOf, CancellationToken cancellationToken)
    {
        int[] numbers = new int[run.DocumentCount];
        byte[] buffer = new byte[RunFormat.IdFrameLength];
        for (int start = 0; start < numbers.Length; start += RunFormat.IdsPerFrame)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<byte> frame = run.ReadIds(start / RunFormat.IdsPerFrame, buffer);
            for (int i = 0; i * RunFormat.IdSize < frame.Length; i++)
            {
                UInt128Bytes id = UInt128Bytes.Read(frame[(i * RunFormat.IdSize)..]);
                int slot = slotOf(id);
                numbers[start + i] = slot < 0 ? -1 : slots.Count;
                if (slot < 0) continue;
                writer.AddId(id);
                slots.Add(slot);
            }
        }
        return numbers;
    }
}
