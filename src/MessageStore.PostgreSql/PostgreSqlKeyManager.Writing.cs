using MessageStore.Keys;
using Npgsql;
using NpgsqlTypes;

namespace MessageStore.PostgreSql;

/// <summary>Changes: many rows in one statement, one transaction a call.</summary>
internal sealed partial class PostgreSqlKeyManager
{
    /// <summary>Rows in one statement.</summary>
    private const int ChunkRows = 2000;

    /// <summary>Messages whose keys are forgotten in one transaction when a database leaves.</summary>
    private const int LeavingRows = 10_000;

    public void Put(IReadOnlyList<ArchiveKey> keys)
    {
        foreach (ArchiveKey key in keys) KeyRules.Check(key);
        if (keys.Count == 0) return;

        // A statement may touch a row once, and two callers that take rows in the same order never wait for each other in a circle.
        var last = new Dictionary<(Guid, string, string), ArchiveKey>(keys.Count);
        var ends = new Dictionary<(string, string, string), long>();
        foreach (ArchiveKey key in keys)
        {
            last[(key.Id, key.Target, key.Unit)] = key;
            (string, string, string) volume = (key.Target, key.Unit, key.Volume);
            ends[volume] = Math.Max(ends.GetValueOrDefault(volume), key.Offset + key.Length);
        }
        ArchiveKey[] rows = [.. last.Values.OrderBy(k => k.Id).ThenBy(k => k.Target, StringComparer.Ordinal).ThenBy(k => k.Unit, StringComparer.Ordinal)];
        Change(batch =>
        {
            AddVolumes(batch, [.. ends.Select(e => new CoveredVolume(e.Key.Item1, e.Key.Item2, e.Key.Item3, e.Value))]);
            foreach (ArchiveKey[] chunk in rows.Chunk(ChunkRows)) AddKeys(batch, chunk);
        });
    }

    public void Cover(IReadOnlyList<CoveredVolume> volumes)
    {
        foreach (CoveredVolume volume in volumes) KeyRules.CheckVolume(volume.Target, volume.Unit, volume.Volume);
        if (volumes.Count > 0) Change(batch => AddVolumes(batch, [.. volumes.GroupBy(v => (v.Target, v.Unit, v.Volume)).Select(g => g.MaxBy(v => v.End))]));
    }

    public long Remove(IReadOnlyList<Guid> ids) =>
        ids.Count == 0 ? 0 : Change(batch => AddCommand(batch, "DELETE FROM messagestore_key WHERE database_id = $1 AND id = ANY ($2)", Ids(ids)));

    public long RemoveCopies(IReadOnlyCollection<ArchiveKey> copies) => copies.Count == 0 ? 0 : Change(batch => AddCommand(batch,
        "DELETE FROM messagestore_key WHERE database_id = $1 AND (id, target, unit) IN (SELECT i, t, u FROM unnest($2, $3, $4) AS rows (i, t, u))",
        Ids([.. copies.Select(k => k.Id)]), Texts(copies.Select(k => k.Target)), Texts(copies.Select(k => k.Unit))));

    public void Begin(IReadOnlyCollection<Guid> earlier, bool replace)
    {
        KeySchema.Update(server);
        Guid? found = server.Read(connection =>
        {
            using NpgsqlCommand command = Command(connection, "SELECT token FROM messagestore_database WHERE database_id = $1");
            return (Guid?)command.ExecuteScalar();
        });
        if (found is { } other && !earlier.Contains(other) && !replace)
        {
            throw new MessageStoreException(ErrorIds.KeysExist, ErrorKind.AlreadyExists,
                $"PostgreSQL holds archive keys of database {databaseId} already. They are of an earlier time, or of another copy of this database that may be in use. Replace them with -Force if nobody needs them.", databaseId);
        }

        // From now on nobody else's changes are taken.
        server.Change(connection =>
        {
            using NpgsqlCommand command = Command(connection,
                "INSERT INTO messagestore_database (database_id, token, changed) VALUES ($1, $2, CURRENT_TIMESTAMP) ON CONFLICT (database_id) DO UPDATE SET token = excluded.token, changed = excluded.changed", token);
            command.ExecuteNonQuery();
            return true;
        });
        Forget();
    }

    public void Leave()
    {
        server.Read(connection =>
        {
            isChecked = false;
            Check(connection);
            return true;
        });
        Forget();
        server.Change(connection =>
        {
            using NpgsqlCommand command = Command(connection, "DELETE FROM messagestore_database WHERE database_id = $1 AND token = $2", token);
            return command.ExecuteNonQuery();
        });
    }

    /// <summary>Piece by piece: no transaction is so large that a server of another kind refuses it.</summary>
    private void Forget()
    {
        foreach (string statement in (string[])[
            "DELETE FROM messagestore_key WHERE database_id = $1 AND id IN (SELECT id FROM messagestore_key WHERE database_id = $1 ORDER BY id LIMIT $2)",
            "DELETE FROM messagestore_volume WHERE database_id = $1 AND (target, unit, volume) IN (SELECT target, unit, volume FROM messagestore_volume WHERE database_id = $1 LIMIT $2)"])
        {
            while (server.Change(connection =>
            {
                using NpgsqlCommand command = Command(connection, statement, LeavingRows);
                return command.ExecuteNonQuery();
            }) > 0)
            {
            }
        }
    }

    /// <summary>Runs a batch in one transaction, on condition that the keys are this copy's.</summary>
    /// <returns>Rows that the last command concerned.</returns>
    private long Change(Action<NpgsqlBatch> fill) => server.Change(connection =>
    {
        Check(connection);
        using NpgsqlBatch batch = connection.CreateBatch();
        AddCommand(batch, "SELECT token FROM messagestore_database WHERE database_id = $1");
        fill(batch);
        using (NpgsqlDataReader reader = batch.ExecuteReader())
        {
            if (!reader.Read() || reader.GetGuid(0) != token) throw NotOurs();
            while (reader.NextResult())
            {
            }
        }
        return (long)batch.BatchCommands[^1].RecordsAffected;
    });

    private void AddVolumes(NpgsqlBatch batch, IEnumerable<CoveredVolume> volumes)
    {
        IOrderedEnumerable<CoveredVolume> sorted = volumes.OrderBy(v => v.Target, StringComparer.Ordinal).ThenBy(v => v.Unit, StringComparer.Ordinal).ThenBy(v => v.Volume, StringComparer.Ordinal);
        foreach (CoveredVolume[] chunk in sorted.Chunk(ChunkRows))
        {
            AddCommand(batch,
                """
                INSERT INTO messagestore_volume (database_id, target, unit, volume, covered)
                SELECT $1, t, u, v, c FROM unnest($2, $3, $4, $5) AS rows (t, u, v, c)
                ON CONFLICT (database_id, target, unit, volume) DO UPDATE SET covered = excluded.covered WHERE messagestore_volume.covered < excluded.covered
                """,
                Texts(chunk.Select(v => v.Target)), Texts(chunk.Select(v => v.Unit)), Texts(chunk.Select(v => v.Volume)), Numbers(chunk.Select(v => (long?)v.End)));
        }
    }

    private void AddKeys(NpgsqlBatch batch, ArchiveKey[] keys) => AddCommand(batch,
        """
        INSERT INTO messagestore_key (database_id, id, target, unit, volume, record_offset, record_length, sha256, storage_ticks, deletion_ticks, deleted_ticks, mailbox, mailbox_folded)
        SELECT $1, i, t, u, v, o, l, h, s, d, x, m, f FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS rows (i, t, u, v, o, l, h, s, d, x, m, f)
        ON CONFLICT (database_id, id, target, unit) DO UPDATE SET volume = excluded.volume, record_offset = excluded.record_offset, record_length = excluded.record_length,
            sha256 = excluded.sha256, storage_ticks = excluded.storage_ticks, deletion_ticks = excluded.deletion_ticks, deleted_ticks = excluded.deleted_ticks, mailbox = excluded.mailbox, mailbox_folded = excluded.mailbox_folded
        """,
        Ids([.. keys.Select(k => k.Id)]), Texts(keys.Select(k => k.Target)), Texts(keys.Select(k => k.Unit)), Texts(keys.Select(k => k.Volume)),
        Numbers(keys.Select(k => (long?)k.Offset)), Numbers(keys.Select(k => (long?)k.Length)),
        new NpgsqlParameter { Value = keys.Select(k => Convert.FromHexString(k.Sha256)).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
        Numbers(keys.Select(k => (long?)k.StorageDate.UtcTicks)), Numbers(keys.Select(k => k.DeletionDate?.UtcTicks)), Numbers(keys.Select(k => k.DeletedDate?.UtcTicks)),
        Texts(keys.Select(k => k.Mailbox)), Texts(keys.Select(k => Folded(k.Mailbox))));

    private void AddCommand(NpgsqlBatch batch, string text, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(text) { Parameters = { Value(databaseId) } };
        foreach (NpgsqlParameter parameter in parameters) command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }

    private static NpgsqlParameter Value(object value) => new() { Value = value };

    private static NpgsqlParameter Texts(IEnumerable<string> texts) => new() { Value = texts.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    private static NpgsqlParameter Numbers(IEnumerable<long?> numbers) => new() { Value = numbers.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };
}
