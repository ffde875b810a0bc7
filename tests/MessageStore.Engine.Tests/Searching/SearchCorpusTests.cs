using System.Text;
using MessageStore.Messages;
using MessageStore.Searching;
using MessageStore.Tests.Facade;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Searching;

public class SearchCorpusTests
{
    [CorpusFact(NeedsPython = true)]
    public async Task Real_mail_is_found_by_every_word_that_Python_and_the_reader_see_in_it()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        var words = new DocumentWords();
        var reader = new MessageWords(words);
        var byTerm = new Dictionary<string, Dictionary<Guid, SearchFields>>();
        var numbers = new Dictionary<Guid, int>();
        long text = 0;
        foreach (SourceItem item in MailFiles.Open(Corpus.MboxPath))
        {
            using MessageBody body = item.Message!.Body;
            Guid id = (await store.AppendAsync(new MessageToAppend { Mailbox = $"m{numbers.Count % 7}", Body = body })).Id;
            numbers.Add(id, numbers.Count + 1);
            words.Clear();
            reader.Read(new BodyStream(body), CancellationToken.None);
            text += reader.TextLength;
            for (int i = 0; i < words.Count; i++)
            {
                string term = Encoding.UTF8.GetString(words.Term(i));
                if (!byTerm.TryGetValue(term, out Dictionary<Guid, SearchFields>? found)) byTerm.Add(term, found = []);
                found.Add(id, words.Fields(i));
            }
        }
        SearchIndexStatus status = Assert.Single(await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync());
        Assert.Equal((Corpus.Count, 0L, 0L, text), (status.MessageCount, status.WaitingCount, status.CutCount, status.TextLength));

        var random = new Random(2002);
        string[] terms = [.. byTerm.Keys.Where(t => t.All(char.IsAsciiLetterOrDigit)).Order(StringComparer.Ordinal)];
        for (int n = 0; n < 300; n++)
        {
            string first = terms[random.Next(terms.Length)], second = byTerm.Where(t => t.Value.Count > 300).ElementAt(random.Next(100)).Key;
            SearchFields field = random.Next(3) == 0 ? SearchFields.Subject : SearchFields.Any;
            bool isNot = random.Next(4) == 0;
            IEnumerable<Guid> expected = byTerm[first].Where(p => (p.Value & field) != 0).Select(p => p.Key).Where(id => byTerm[second].ContainsKey(id) != isNot);
            string query = $"{(field == SearchFields.Any ? "" : "subject:")}{first} {(isNot ? "-" : "")}{second}";
            if (second.Contains('@', StringComparison.Ordinal)) continue;
            Assert.True((await SearchFixture.FindAsync(store, new MessageSearch { Query = query })).Order().SequenceEqual(expected.Order()), query);
        }

        foreach (string line in await Python.RunAsync("words.py", Corpus.MboxPath))
        {
            string[] cells = line.Split('\t');
            string[] expected = cells[2].Split(' ');
            string query = $"{cells[0]}:{cells[1]}";
            List<int> found = [.. (await SearchFixture.FindAsync(store, new MessageSearch { Query = query })).Select(id => numbers[id]).Order()];
            Assert.True(expected.SequenceEqual(found.Select(n => n.ToString(System.Globalization.CultureInfo.InvariantCulture))), $"{query}: Python {cells[2]}, we {string.Join(' ', found)}");
        }
    }
}
