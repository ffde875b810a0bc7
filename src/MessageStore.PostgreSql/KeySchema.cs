using Npgsql;

namespace MessageStore.PostgreSql;

/// <summary>
/// The tables, created and brought up to date by us. Plain SQL: no extensions, no stored code, no types of PostgreSQL's own beyond bytea and uuid. Keep in step with docs/format-keys.md.
/// </summary>
internal static class KeySchema
{
    /// <summary>What to do to get from one version to the next; the version is the number of steps done. A step that was published is never changed.</summary>
    private static readonly string[][] Steps =
    [
        [
            """
            CREATE TABLE messagestore_database (
                database_id uuid NOT NULL,
                token uuid NOT NULL,
                changed timestamp with time zone NOT NULL,
                PRIMARY KEY (database_id))
            """,
            """
            CREATE TABLE messagestore_volume (
                database_id uuid NOT NULL,
                target text NOT NULL,
                unit text NOT NULL,
                volume text NOT NULL,
                covered bigint NOT NULL,
                PRIMARY KEY (database_id, target, unit, volume))
            """,
            """
            CREATE TABLE messagestore_key (
                database_id uuid NOT NULL,
                id uuid NOT NULL,
                target text NOT NULL,
                unit text NOT NULL,
                volume text NOT NULL,
                record_offset bigint NOT NULL,
                record_length bigint NOT NULL,
                sha256 bytea NOT NULL,
                storage_ticks bigint NOT NULL,
                deletion_ticks bigint,
                deleted_ticks bigint,
                mailbox text NOT NULL,
                mailbox_folded text NOT NULL,
                PRIMARY KEY (database_id, id, target, unit))
            """,
            "CREATE INDEX messagestore_key_unit ON messagestore_key (database_id, unit, id)",
            "CREATE INDEX messagestore_key_mailbox ON messagestore_key (database_id, mailbox_folded, id)",
            "CREATE INDEX messagestore_key_due ON messagestore_key (database_id, deletion_ticks)",
        ],
    ];

    private const int Tries = 8;
    private const string UniqueViolation = "23505";
    private const string DuplicateTable = "42P07";

    /// <summary>Of the type of a table's rows, which PostgreSQL makes before the table.</summary>
    private const string DuplicateObject = "42710";

    /// <summary>The version that this code works with.</summary>
    public static int Current => Steps.Length;

    /// <summary>Creates what is missing. Several may do so at the same time: the steps' own transaction lets one through.</summary>
    public static void Update(KeyConnection server)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                server.Change(connection =>
                {
                    Execute(connection, "CREATE TABLE IF NOT EXISTS messagestore_schema (only_one integer NOT NULL PRIMARY KEY, version integer NOT NULL)");
                    Execute(connection, "INSERT INTO messagestore_schema (only_one, version) VALUES (1, 0) ON CONFLICT (only_one) DO NOTHING");
                    return true;
                });
                break;
            }
            catch (MessageStoreException error) when (attempt < Tries && error.InnerException is PostgresException { SqlState: UniqueViolation or DuplicateTable or DuplicateObject })
            {
                // IF NOT EXISTS is no promise where two look at the same time: now it is there.
            }
        }
        server.Change(connection =>
        {
            using var ask = new NpgsqlCommand("SELECT version FROM messagestore_schema WHERE only_one = 1 FOR UPDATE", connection);
            int version = (int)ask.ExecuteScalar()!;
            Check(version);
            for (; version < Current; version++)
                foreach (string statement in Steps[version]) Execute(connection, statement);
            using var set = new NpgsqlCommand("UPDATE messagestore_schema SET version = $1 WHERE only_one = 1", connection) { Parameters = { new() { Value = version } } };
            set.ExecuteNonQuery();
            return true;
        });
    }

    /// <exception cref="MessageStoreException">DatabaseFormatTooNew, KeysDamaged.</exception>
    public static void Check(int version)
    {
        if (version > Current)
            throw new MessageStoreException(ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported, $"The tables of archive keys on PostgreSQL are of version {version}; this version reads up to {Current}. Use a newer version.");
    }

    private static void Execute(NpgsqlConnection connection, string statement)
    {
        using var command = new NpgsqlCommand(statement, connection);
        command.ExecuteNonQuery();
    }
}
