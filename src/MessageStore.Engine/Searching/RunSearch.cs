using System.Collections;

namespace MessageStore.Searching;

/// <summary>Finds the documents of one run, or of the delta, that a plan asks for. Holds 4 bytes for each document that has the rarest of the words.</summary>
internal static class RunSearch
{
    /// <summary>The documents, in order.</summary>
    /// <exception cref="FormatException">The run is damaged.</exception>
    public static List<int> Find(SearchRun run, SearchPlan plan, CancellationToken cancellationToken)
    {
        List<int>? found = null;
        foreach (TermTest test in plan.Required.OrderBy(t => Spread(run, t)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (found is null) found = Collect(run, test, cancellationToken);
            else if (test.IsPrefix) found = Keep(found, Mark(run, test, cancellationToken), wanted: true);
            else found = Intersect(run, test, found);
            if (found.Count == 0) return found;
        }
        found ??= [.. Enumerable.Range(0, run.DocumentCount)];
        foreach (TermTest test in plan.Excluded) found = Keep(found, Mark(run, test, cancellationToken), wanted: false);
        return found;
    }

    /// <inheritdoc cref="Find(SearchRun, SearchPlan, CancellationToken)"/>
    public static List<int> Find(SearchDelta delta, SearchPlan plan)
    {
        List<int>? found = null;
        foreach (TermTest test in plan.Required)
        {
            BitArray marked = Mark(delta, test);
            found = Keep(found ?? [.. Enumerable.Range(0, delta.DocumentCount)], marked, wanted: true);
            if (found.Count == 0) return found;
        }
        found ??= [.. Enumerable.Range(0, delta.DocumentCount)];
        foreach (TermTest test in plan.Excluded) found = Keep(found, Mark(delta, test), wanted: false);
        return found;
    }

    /// <summary>How many blocks a test may have to read: the order in which tests are made.</summary>
    private static int Spread(SearchRun run, TermTest test)
    {
        int block = run.BlockBefore(test.Term), count = 0;
        while (block + count + 1 < run.BlockCount && IsMatch(run.FirstTermOf(block + count + 1), test)) count++;
        return count;
    }

    private static bool IsMatch(ReadOnlySpan<byte> term, TermTest test) => test.IsPrefix ? term.StartsWith(test.Term) : term.SequenceEqual(test.Term);

    private static List<int> Collect(SearchRun run, TermTest test, CancellationToken cancellationToken)
    {
        if (test.IsPrefix) return Keep([.. Enumerable.Range(0, run.DocumentCount)], Mark(run, test, cancellationToken), wanted: true);
        var found = new List<int>();
        Visit(run, test, found.Add, cancellationToken);
        return found;
    }

    private static BitArray Mark(SearchRun run, TermTest test, CancellationToken cancellationToken)
    {
        var marked = new BitArray(run.DocumentCount);
        Visit(run, test, document => marked[document] = true, cancellationToken);
        return marked;
    }

    private static BitArray Mark(SearchDelta delta, TermTest test)
    {
        var marked = new BitArray(delta.DocumentCount);
        var terms = new List<int>();
        if (test.IsPrefix)
        {
            for (int term = 0; term < delta.Terms.Count; term++)
                if (delta.Terms[term].StartsWith(test.Term))
                    terms.Add(term);
        }
        else if (delta.Terms.Find(test.Term) is >= 0 and int term)
        {
            terms.Add(term);
        }
        if (terms.Count > 0) delta.Mark(terms, test.Fields, marked);
        return marked;
    }

    private static void Visit(SearchRun run, TermTest test, Action<int> visit, CancellationToken cancellationToken)
    {
        var cursor = new RunCursor(run, run.BlockBefore(test.Term));
        int[] documents = [];
        SearchFields[] fields = [];
        while (cursor.Next())
        {
            if (!IsMatch(cursor.Term, test))
            {
                if (cursor.Term.SequenceCompareTo(test.Term) > 0) return;
                continue;
            }
            cancellationToken.ThrowIfCancellationRequested();
            Decode(cursor, ref documents, ref fields);
            for (int i = 0; i < cursor.Count; i++)
                if ((fields[i] & test.Fields) != 0)
                    visit(documents[i]);
        }
    }

    /// <summary>Goes over the term's chunks and the documents side by side; chunks between two documents are not decoded, blocks between them not read.</summary>
    private static List<int> Intersect(SearchRun run, TermTest test, List<int> among)
    {
        var found = new List<int>(Math.Min(among.Count, 1024));
        var cursor = new RunCursor(run, run.BlockBefore(test.Term));
        int[] documents = [];
        SearchFields[] fields = [];
        int next = 0;
        while (next < among.Count && cursor.Next())
        {
            int order = cursor.Term.SequenceCompareTo(test.Term);
            if (order > 0) break;
            if (order < 0) continue;
            if (cursor.LastDocument < among[next])
            {
                cursor.SkipTo(among[next]);
                continue;
            }
            Decode(cursor, ref documents, ref fields);
            for (int i = 0; i < cursor.Count && next < among.Count; i++)
            {
                while (next < among.Count && among[next] < documents[i]) next++;
                if (next < among.Count && among[next] == documents[i] && (fields[i] & test.Fields) != 0) found.Add(documents[i]);
            }
            while (next < among.Count && among[next] <= cursor.LastDocument) next++;
        }
        return found;
    }

    private static List<int> Keep(List<int> documents, BitArray marked, bool wanted)
    {
        documents.RemoveAll(d => marked[d] != wanted);
        return documents;
    }

    private static void Decode(RunCursor cursor, ref int[] documents, ref SearchFields[] fields)
    {
        if (documents.Length < cursor.Count)
        {
            documents = new int[cursor.Count];
            fields = new SearchFields[cursor.Count];
        }
        cursor.Decode(documents, fields);
    }
}
