using System.Net.Sockets;
using Npgsql;

namespace MessageStore.PostgreSql;

/// <summary>
/// The way to the server: a pool of connections whose commits are synchronous, second tries where it is certain that nothing happened, and errors that say what to do.
/// </summary>
internal sealed class KeyConnection : IDisposable
{
    /// <summary>Connections that this process opens at most, unless the connection string says otherwise.</summary>
    private const int DefaultPoolSize = 16;

    /// <summary>How often a piece of work is tried that the server or the connection broke off without effect.</summary>
    private const int Tries = 4;

    private const string SerializationFailure = "40001";
    private const string DeadlockDetected = "40P01";

    private readonly NpgsqlDataSource source;
    private readonly string name;

    public KeyConnection(NpgsqlConnectionStringBuilder settings)
    {
        name = $"{settings.Host}, database {settings.Database ?? settings.Username}";
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        builder.ConnectionStringBuilder.ApplicationName ??= "MessageStore";
        builder.ConnectionStringBuilder.Enlist = false;
        builder.ConnectionStringBuilder.NoResetOnClose = true; // the session's setting below stays
        if (!settings.ContainsKey("Maximum Pool Size")) builder.ConnectionStringBuilder.MaxPoolSize = DefaultPoolSize;
        builder.UsePhysicalConnectionInitializer(Prepare, connection =>
        {
            Prepare(connection);
            return Task.CompletedTask;
        });
        source = builder.Build();
    }

    /// <summary>Reads. Tried again where the connection was lost: nothing is changed by it.</summary>
    /// <exception cref="MessageStoreException">KeysUnavailable, AccessDenied.</exception>
    public T Read<T>(Func<NpgsqlConnection, T> work) => Run(work, static () => true);

    /// <summary>Changes something, all of it or nothing. Tried again where it is certain that nothing was committed.</summary>
    /// <param name="work">Gets the connection, with a transaction begun on it.</param>
    /// <exception cref="MessageStoreException">
    /// KeysUnavailable: where the connection was lost while the server committed, it is not known whether it did; AccessDenied, DiskFull; and what <paramref name="work"/> raises.
    /// </exception>
    public T Change<T>(Func<NpgsqlConnection, T> work)
    {
        bool isCommitting = false;
        return Run(connection =>
        {
            isCommitting = false;
            using NpgsqlTransaction transaction = connection.BeginTransaction();
            T result = work(connection);
            isCommitting = true;
            transaction.Commit();
            return result;
        }, () => !isCommitting);
    }

    /// <summary>A connection for whoever reads on for a while.</summary>
    /// <exception cref="MessageStoreException">KeysUnavailable, AccessDenied.</exception>
    public NpgsqlConnection Open()
    {
        try
        {
            return source.OpenConnection();
        }
        catch (Exception error) when (IsServer(error))
        {
            throw Wrap(error);
        }
    }

    public void Dispose() => source.Dispose();

    /// <summary>Whether an error came from the server or from the way to it.</summary>
    public static bool IsServer(Exception error) => error is NpgsqlException or IOException or SocketException or TimeoutException;

    public MessageStoreException Wrap(Exception error) => error switch
    {
        PostgresException { SqlState: [ '2', '8', ..] or "42501" } refused => new MessageStoreException(
            ErrorIds.AccessDenied, ErrorKind.Denied, $"PostgreSQL ({name}), which keeps the archive keys, refuses: {refused.MessageText} Look at the connection file and at the role's rights.", name, error),
        PostgresException { SqlState: "53100" } full => new MessageStoreException(
            ErrorIds.DiskFull, ErrorKind.Device, $"The disk of PostgreSQL ({name}), which keeps the archive keys, is full: {full.MessageText}", name, error),
        PostgresException { SqlState: "42P01" or "3F000" } => new MessageStoreException(
            ErrorIds.KeysDamaged, ErrorKind.Damaged, $"PostgreSQL ({name}) holds no archive keys. Was the connection file changed, or the server's database made anew? Restore that from its own backup, or restore this database.", name, error),
        PostgresException other => Unavailable($"answers {other.SqlState}: {other.MessageText.TrimEnd('.')}.", error),
        _ => Unavailable($"does not answer: {(error.InnerException?.Message ?? error.Message).TrimEnd('.')}.", error),
    };

    private MessageStoreException Unavailable(string detail, Exception inner) => new(
        ErrorIds.KeysUnavailable, ErrorKind.Device, $"PostgreSQL ({name}), which keeps the archive keys, {detail} Mail in the store is not touched by it.", name, inner);

    private T Run<T>(Func<NpgsqlConnection, T> work, Func<bool> isWithoutEffect)
    {
        for (int attempt = 1; ; attempt++)
        {
            bool isOpen = false;
            try
            {
                using NpgsqlConnection connection = source.OpenConnection();
                isOpen = true;
                return work(connection);
            }
            catch (Exception error) when (attempt < Tries && IsServer(error) && IsWorthAnotherTry(error, isOpen && !isWithoutEffect(), isOpen))
            {
                if (error is not PostgresException) source.Clear(); // the server was restarted: its other connections are as dead
            }
            catch (Exception error) when (IsServer(error))
            {
                throw Wrap(error);
            }
        }
    }

    /// <param name="mayHaveCommitted">Whether the answer to a commit was awaited.</param>
    /// <param name="isOpen">Whether there was a connection: a server that cannot be reached at all is not asked again and again.</param>
    private static bool IsWorthAnotherTry(Exception error, bool mayHaveCommitted, bool isOpen) => error is PostgresException { SqlState: var state }
        ? state is SerializationFailure or DeadlockDetected || state.StartsWith("57P0", StringComparison.Ordinal) && isOpen && !mayHaveCommitted // rolled back; shut down
        : isOpen && !mayHaveCommitted;

    /// <summary>Commits are to be durable whatever the server's default; a stronger setting stays.</summary>
    private static void Prepare(NpgsqlConnection connection)
    {
        using var ask = new NpgsqlCommand("SELECT current_setting('synchronous_commit', true)", connection);
        if (ask.ExecuteScalar() is not ("off" or "local")) return;
        using var set = new NpgsqlCommand("SET synchronous_commit = on", connection);
        set.ExecuteNonQuery();
    }
}
