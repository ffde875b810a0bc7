using System.Data;
using MessageStore.Keys;
using Npgsql;
using NpgsqlTypes;

namespace MessageStore.PostgreSql;

/// <summary>
/// Archive keys on PostgreSQL, or another server that speaks its protocol and SQL. Every change is one transaction, committed synchronously; the token that goes with it makes sure that the keys
/// are still this copy's. Tables: docs/format-keys.md.
/// </summary>
/// <param name="server">The way to the server; disposed with this.</param>
/// <param name="databaseId">Whose keys.</param>
/// <param name="token">Which copy of that database.</param>
internal sealed partial class PostgreSqlKeyManager(KeyConnection server, Guid databaseId, Guid token) : IKeyServer
{
    /// <summary>Rows read with one question.</summary>
    private const int PageRows = 2000;

    private const string Columns = "id, target, unit, volume, record_offset, record_length, sha256, storage_ticks, deletion_ticks, deleted_ticks, mailbox";

    private volatile bool isChecked;

    public Lock Updating { get; } = new();

    public long Count => server.Read(connection =>
    {
        Check(connection);
        using NpgsqlCommand command = Command(connection, "SELECT count(*) FROM messagestore_key WHERE database_id = $1");
        return (long)command.ExecuteScalar()!;
    });

    public IReadOnlyList<ArchiveKey> Find(Guid id) => Find([id]);

    public IReadOnlyList<ArchiveKey> Find(IReadOnlyCollection<Guid> ids) => ids.Count == 0 ? [] : server.Read(connection =>
    {
        Check(connection);
        using NpgsqlCommand command = Command(connection, $"SELECT {Columns} FROM messagestore_key WHERE database_id = $1 AND id = ANY ($2) ORDER BY id, target, unit", Ids(ids));
        return ReadKeys(command);
    });

    public IEnumerable<ArchiveKey> List() => List(new KeyQuery());

    /// <remarks>Page by page in the order of Ids: no transaction stays open while the caller works on a page.</remarks>
    public IEnumerable<ArchiveKey> List(KeyQuery query)
    {
        Guid? last = null;
        while (true)
        {
            List<ArchiveKey> page = server.Read(connection => ReadPage(connection, query, last));
            bool isLast = page.Count < PageRows;

            // A message whose copies do not all fit is left for the next page. No message has as many copies as a page has rows.
            int whole = isLast ? page.Count : page.FindLastIndex(k => k.Id != page[^1].Id) + 1;
            for (int index = 0; index < whole; index++) yield return page[index];
            if (isLast) yield break;
            last = page[whole - 1].Id;
        }
    }

    public long EndOf(string target, string unit, string volume) => server.Read(connection =>
    {
        Check(connection);
        using NpgsqlCommand command = Command(connection, "SELECT covered FROM messagestore_volume WHERE database_id = $1 AND target = $2 AND unit = $3 AND volume = $4", target, unit, volume);
        return (long?)command.ExecuteScalar() ?? 0;
    });

    public IEnumerable<CoveredVolume> ListVolumes()
    {
        using NpgsqlConnection connection = server.Open();
        using NpgsqlCommand command = Command(connection, "SELECT target, unit, volume, covered FROM messagestore_volume WHERE database_id = $1");
        using NpgsqlDataReader reader = Asked(() =>
        {
            Check(connection);
            return command.ExecuteReader(CommandBehavior.SingleResult);
        });
        while (Asked(reader.Read)) yield return new CoveredVolume(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3));
    }

    public void Dispose() => server.Dispose();

    private List<ArchiveKey> ReadPage(NpgsqlConnection connection, KeyQuery query, Guid? after)
    {
        Check(connection);
        using var command = new NpgsqlCommand { Connection = connection };
        var conditions = new List<string> { $"database_id = {Add(databaseId)}" };
        if (after is { } last) conditions.Add($"id > {Add(last)}");
        if (query.Mailbox is { } mailbox) conditions.Add($"mailbox_folded = {Add(Folded(mailbox))}");
        if (query.Target is { } target) conditions.Add($"target = {Add(target)}");
        if (query.Unit is { } unit) conditions.Add($"unit = {Add(unit)}");
        if (query.DueAt is { } due) conditions.Add($"deletion_ticks <= {Add(due.UtcTicks)}");
        if (query.DeletedAt is { } deleted) conditions.Add($"deleted_ticks <= {Add(deleted.UtcTicks)}");
        command.CommandText = $"SELECT {Columns} FROM messagestore_key WHERE {string.Join(" AND ", conditions)} ORDER BY id LIMIT {Add(PageRows)}";
        return ReadKeys(command);

        string Add(object value)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
            return $"${command.Parameters.Count}";
        }
    }

    private static List<ArchiveKey> ReadKeys(NpgsqlCommand command)
    {
        var keys = new List<ArchiveKey>();
        using NpgsqlDataReader reader = command.ExecuteReader(CommandBehavior.SingleResult);
        while (reader.Read())
        {
            keys.Add(new ArchiveKey
            {
                Id = reader.GetGuid(0),
                Target = reader.GetString(1),
                Unit = reader.GetString(2),
                Volume = reader.GetString(3),
                Offset = reader.GetInt64(4),
                Length = reader.GetInt64(5),
                Sha256 = Convert.ToHexStringLower(reader.GetFieldValue<byte[]>(6)),
                StorageDate = new DateTimeOffset(reader.GetInt64(7), TimeSpan.Zero),
                DeletionDate = reader.IsDBNull(8) ? null : new DateTimeOffset(reader.GetInt64(8), TimeSpan.Zero),
                DeletedDate = reader.IsDBNull(9) ? null : new DateTimeOffset(reader.GetInt64(9), TimeSpan.Zero),
                Mailbox = reader.GetString(10),
            });
        }
        return keys;
    }

    /// <summary>Makes sure, once, that the tables are of our version and the keys there this copy's.</summary>
    /// <exception cref="MessageStoreException">DatabaseFormatTooNew, KeysDamaged.</exception>
    private void Check(NpgsqlConnection connection)
    {
        if (isChecked) return;
        using (var ask = new NpgsqlCommand("SELECT version FROM messagestore_schema WHERE only_one = 1", connection)) KeySchema.Check((int?)ask.ExecuteScalar() ?? 0);
        using NpgsqlCommand command = Command(connection, "SELECT token FROM messagestore_database WHERE database_id = $1");
        if (command.ExecuteScalar() is not Guid found || found != token) throw NotOurs();
        isChecked = true;
    }

    private MessageStoreException NotOurs() => new(ErrorIds.KeysDamaged, ErrorKind.Damaged,
        $"The archive keys of database {databaseId} on PostgreSQL are not those of this copy of the database: they were moved away, or another copy of it has moved its own there. "
        + "Use that copy, or restore this one from its newest backup, which brings its keys with it.", databaseId);

    /// <summary>A command whose first parameter is the database.</summary>
    private NpgsqlCommand Command(NpgsqlConnection connection, string text, params ReadOnlySpan<object> parameters)
    {
        var command = new NpgsqlCommand(text, connection) { Parameters = { new NpgsqlParameter { Value = databaseId } } };
        foreach (object parameter in parameters) command.Parameters.Add(parameter as NpgsqlParameter ?? new NpgsqlParameter { Value = parameter });
        return command;
    }

    private static NpgsqlParameter Ids(IReadOnlyCollection<Guid> ids) => new() { Value = ids as Guid[] ?? [.. ids], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };

    /// <summary>Mailbox names are alike whatever their case, as everywhere in the store.</summary>
    private static string Folded(string mailbox) => mailbox.ToUpperInvariant();

    private T Asked<T>(Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (Exception error) when (KeyConnection.IsServer(error))
        {
            throw server.Wrap(error);
        }
    }
}
