namespace Ciuic.Postgres.Tests;

public sealed class GrainStateTests(Server server) : IAsyncLifetime
{
    private PostgresDatabase? _database;

    private StoredState State => new(_database!);

    public async ValueTask InitializeAsync() =>
        _database = await PostgresDatabase.OpenAsync(await server.Postgres.NewDatabaseAsync(), createsSchema: true, CancellationToken.None);

    public ValueTask DisposeAsync() => _database?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task A_first_write_a_next_write_and_a_stale_write()
    {
        Assert.Equal(1, await State.WriteAsync(null, [1]));
        Assert.Equal(2, await State.WriteAsync(1, [2]));
        Assert.Null(await State.WriteAsync(1, [3])); // stale
        Assert.Null(await State.WriteAsync(null, [3])); // a second first write
        Assert.Equal(3, await State.WriteAsync(2, [4]));
    }

    [Fact]
    public async Task An_update_of_what_is_not_there_changes_nothing()
    {
        Assert.Null(await State.WriteAsync(5, [1]));
        Assert.Null(await State.ClearAsync(5));
        Assert.Null(await State.DeleteAsync(5));
    }

    [Fact]
    public async Task A_stale_clear_and_a_stale_delete_change_nothing()
    {
        await State.WriteAsync(null, [1]);
        await State.WriteAsync(1, [2]);
        Assert.Null(await State.ClearAsync(1));
        Assert.Equal(3, await State.ClearAsync(2));
        Assert.Null(await State.DeleteAsync(2));
        Assert.Equal(4, await State.DeleteAsync(3));
        Assert.Null(await State.WriteAsync(3, [1]));
        Assert.Equal(1, await State.WriteAsync(null, [1]));
    }

    [Fact]
    public async Task A_key_extension_makes_another_state()
    {
        Assert.Equal(1, await State.WriteAsync(null, [1]));
        Assert.Equal(1, await new StoredState(_database!, "more").WriteAsync(null, [1]));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public async Task Of_concurrent_writes_of_one_version_exactly_one_wins(int? version)
    {
        if (version is not null)
            await State.WriteAsync(null, [0]);
        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => State.WriteAsync(version, [(byte)i]))));
        Assert.Single(results, r => r is not null);
    }
}
