using MessageStore.Keys;
using MessageStore.PostgreSql;
using MessageStore.Tests.Keys;

namespace MessageStore.Tests.PostgreSql;

/// <summary>The key manager on a real server.</summary>
public sealed class PostgreSqlKeyManagerTests(PostgreSqlServer server) : IClassFixture<PostgreSqlServer>
{
    private readonly Guid database = Guid.NewGuid();
    private readonly Guid token = Guid.NewGuid();

    [PostgreSqlTheory]
    [MemberData(nameof(KeyManagerContract.Rules), MemberType = typeof(KeyManagerContract))]
    public void The_key_manager_on_PostgreSQL_keeps_the_contract(string rule)
    {
        Begun().Dispose();
        KeyManagerContract.Check(rule, () => Open());
    }

    [PostgreSqlFact]
    public void Databases_that_share_a_server_do_not_see_each_others_keys()
    {
        using IKeyServer one = Begun(), two = Open(Guid.NewGuid());
        two.Begin([], replace: false);
        one.Put(SampleKeys.Keys(30));
        two.Put(SampleKeys.Keys(10));
        Assert.Equal((30, 10), (one.Count, two.Count));
        two.Leave();
        Assert.Equal(30, one.Count);
        Assert.Equal(ErrorIds.KeysDamaged, Assert.Throws<MessageStoreException>(() => two.Put(SampleKeys.Keys(1))).ErrorId);
    }

    [PostgreSqlFact]
    public void Keys_of_another_copy_of_the_database_are_replaced_only_when_asked_and_that_copy_then_changes_nothing_any_more()
    {
        using IKeyServer first = Begun();
        first.Put(SampleKeys.Keys(5));
        var other = Guid.NewGuid();
        using IKeyServer second = Open(token: other);
        Assert.Equal(ErrorIds.KeysDamaged, Assert.Throws<MessageStoreException>(() => second.Count).ErrorId);
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => second.Begin([Guid.NewGuid()], replace: false));
        Assert.Equal(ErrorIds.KeysExist, error.ErrorId);
        Assert.Equal(5, first.Count);

        second.Begin([], replace: true);
        Assert.Equal(0, second.Count);
        Assert.Equal(ErrorIds.KeysDamaged, Assert.Throws<MessageStoreException>(() => first.Put(SampleKeys.Keys(5))).ErrorId);
        Assert.Equal(0, second.Count);
        using IKeyServer third = Open(token: Guid.NewGuid());
        third.Begin([other], replace: false); // as if that had been a move of our own that was interrupted
        Assert.Equal(0, third.Count);
    }

    [PostgreSqlFact]
    public async Task A_server_that_was_killed_and_started_again_has_every_key_that_was_acknowledged_and_is_used_again_by_itself()
    {
        using IKeyServer keys = Begun();
        keys.Put(SampleKeys.Keys(100));
        await server.StopAsync();
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => keys.Put([SampleKeys.Key(200)]));
        Assert.Equal((ErrorIds.KeysUnavailable, ErrorKind.Device), (error.ErrorId, error.Kind));
        Assert.Equal(ErrorIds.KeysUnavailable, Assert.Throws<MessageStoreException>(() => keys.Find(SampleKeys.Key(1).Id)).ErrorId);
        Assert.Equal(ErrorIds.KeysUnavailable, Assert.Throws<MessageStoreException>(() => keys.ListVolumes().Count()).ErrorId);
        await server.StartAsync();
        keys.Put([SampleKeys.Key(200)]);
        Assert.Equal(101, keys.Count);
        Assert.Equal(SampleKeys.Key(1), Assert.Single(keys.Find(SampleKeys.Key(1).Id)));
    }

    [PostgreSqlFact]
    public async Task Connections_that_died_while_nobody_used_them_are_noticed_and_replaced()
    {
        using IKeyServer keys = Begun();
        keys.Put(SampleKeys.Keys(10));
        await server.StopAsync();
        await server.StartAsync();
        Assert.Equal(10, keys.Count);
        await server.StopAsync();
        await server.StartAsync();
        keys.Put(SampleKeys.Keys(20));
        Assert.Equal(20, keys.Remove([.. SampleKeys.Keys(20).Select(k => k.Id)]));
    }

    [PostgreSqlFact]
    public async Task A_change_that_fails_in_the_middle_leaves_nothing_behind()
    {
        string name = $"full_{Guid.NewGuid():N}";
        await server.SqlAsync($"CREATE DATABASE {name}");
        using IKeyServer keys = Open(connection: server.ConnectionFile(name));
        keys.Begin([], replace: false);
        ArchiveKey bad = SampleKeys.Key(4999);
        await server.SqlAsync($"ALTER TABLE messagestore_key ADD CONSTRAINT no_such_message CHECK (id <> '{bad.Id}')", name);
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => keys.Put(SampleKeys.Keys(5000)));
        Assert.Equal(ErrorIds.KeysUnavailable, error.ErrorId);
        Assert.Contains("23514", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, keys.Count);
        Assert.Empty(keys.ListVolumes());
    }

    [PostgreSqlFact]
    public async Task Commits_are_synchronous_even_where_the_server_is_set_otherwise_and_a_stronger_setting_stays()
    {
        string loose = await NewDatabaseAsync("off"), strong = await NewDatabaseAsync("remote_apply");
        Assert.Equal(("on", "remote_apply"), (Setting(loose), Setting(strong)));

        async Task<string> NewDatabaseAsync(string setting)
        {
            string name = $"commit_{Guid.NewGuid():N}";
            await server.SqlAsync($"CREATE DATABASE {name}");
            await server.SqlAsync($"ALTER DATABASE {name} SET synchronous_commit = {setting}");
            return name;
        }

        string Setting(string name)
        {
            using var connection = new KeyConnection(ConnectionFile.Read(server.ConnectionFile(name)));
            connection.Read(Show); // the second time from the pool
            return connection.Read(Show);
        }

        static string Show(Npgsql.NpgsqlConnection connection)
        {
            using var command = new Npgsql.NpgsqlCommand("SHOW synchronous_commit", connection);
            return (string)command.ExecuteScalar()!;
        }
    }

    [PostgreSqlFact]
    public async Task Two_that_create_the_tables_at_the_same_time_both_succeed_and_newer_tables_are_refused()
    {
        string name = $"schema_{Guid.NewGuid():N}";
        await server.SqlAsync($"CREATE DATABASE {name}");
        string file = server.ConnectionFile(name);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using IKeyServer keys = Open(Guid.NewGuid(), connection: file);
            keys.Begin([], replace: false);
            keys.Put(SampleKeys.Keys(3));
        })));
        Assert.Equal("12", await server.SqlAsync("SELECT count(*) FROM messagestore_key", name));
        await server.SqlAsync("UPDATE messagestore_schema SET version = version + 1", name);
        using IKeyServer late = Open(connection: file);
        Assert.Equal(ErrorIds.DatabaseFormatTooNew, Assert.Throws<MessageStoreException>(() => late.Begin([], replace: false)).ErrorId);
        Assert.Equal(ErrorIds.DatabaseFormatTooNew, Assert.Throws<MessageStoreException>(() => late.Count).ErrorId);
    }

    [PostgreSqlFact]
    public void A_server_without_our_tables_a_wrong_role_and_a_file_that_everybody_may_read_are_said_so()
    {
        using IKeyServer nowhere = Open(connection: server.ConnectionFile("template1"));
        Assert.Equal(ErrorIds.KeysDamaged, Assert.Throws<MessageStoreException>(() => nowhere.Count).ErrorId);
        using IKeyServer stranger = Open(connection: server.ConnectionFile(more: "Username=nobody_knows_me"));
        Assert.Equal(ErrorIds.AccessDenied, Assert.Throws<MessageStoreException>(() => stranger.Count).ErrorId);
        string open = server.ConnectionFile();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(open, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => Open(connection: open)).ErrorId);
        Assert.Equal(ErrorIds.PathNotFound, Assert.Throws<MessageStoreException>(() => Open(connection: open + "x")).ErrorId);
    }

    [Fact]
    public void The_engine_finds_the_provider_by_name() => Assert.IsType<PostgreSqlKeyProvider>(KeyServers.Load());

    [PostgreSqlFact]
    public async Task However_those_that_create_the_tables_meet_all_succeed()
    {
        const int Rounds = 200, Together = 4;
        string name = $"schema_{Guid.NewGuid():N}";
        await server.SqlAsync($"CREATE DATABASE {name}");
        using var eraser = new KeyConnection(ConnectionFile.Read(server.ConnectionFile(name)));
        var each = new KeyConnection[Together];
        for (int i = 0; i < Together; i++) each[i] = new KeyConnection(ConnectionFile.Read(server.ConnectionFile(name)));
        using var start = new Barrier(Together);
        for (int round = 0; round < Rounds; round++)
        {
            await Task.WhenAll(each.Select(connection => Task.Factory.StartNew(() =>
            {
                connection.Read(static open => open.FullState); // connected before they start
                start.SignalAndWait();
                KeySchema.Update(connection);
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            eraser.Change(open =>
            {
                using var drop = new Npgsql.NpgsqlCommand("DROP TABLE messagestore_schema, messagestore_database, messagestore_volume, messagestore_key", open);
                return drop.ExecuteNonQuery();
            });
        }
        foreach (KeyConnection connection in each) connection.Dispose();
    }

    private IKeyServer Begun()
    {
        IKeyServer keys = Open();
        keys.Begin([], replace: false);
        return keys;
    }

    private IKeyServer Open(Guid? database = null, Guid? token = null, string? connection = null) => new PostgreSqlKeyProvider().Open(
        new KeyServerSettings { ConnectionFile = connection ?? server.ConnectionFile(), Token = token ?? this.token }, database ?? this.database);
}
