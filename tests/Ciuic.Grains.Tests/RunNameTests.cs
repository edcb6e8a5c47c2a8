using System.Diagnostics.CodeAnalysis;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Postgres;
using Ciuic.Silo;
using Ciuic.Testing;
using CsCheck;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Storage;

namespace Ciuic.Grains.Tests;

/// <summary>Different names are different runs, on the storage that silos have.</summary>
public abstract class RunNameTests : IAsyncLifetime
{
    private static readonly string[][] LookAlikes =
    [
        ["a", "A"], ["7", "007"], ["cafe", "CAFE", "00cafe"], ["0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF"],
        ["0", "00"], ["ffffffffffffffff", "FFFFFFFFFFFFFFFF"],
    ];

    /// <summary>Names out of what run names are made of, those above all that could be read as numbers and GUIDs.</summary>
    private static readonly Gen<string> Names = Gen.OneOf(
        Gen.Char["0123456789abcdefABCDEF"].Array[1, 4].Select(c => new string(c)),
        Gen.Char["aA0"].Array[32, 32].Select(c => new string(c)),
        Gen.Select(Gen.Char["aA0z"], Gen.Char["aA0z._-"].Array[0, 3], (first, rest) => first + new string(rest)));

    private CiuicCluster? _cluster;

    protected CiuicCluster Cluster => _cluster!;

    public virtual async ValueTask InitializeAsync()
    {
        if (await DatabaseAsync() is not { } database)
            return;
        _cluster = new CiuicCluster { Database = database };
        await _cluster.InitializeAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Runs_that_look_alike_have_a_head_and_a_lease_each()
    {
        Need();
        foreach (var names in LookAlikes)
        {
            var token = (await Cluster.Run(names[0]).OpenAsync(CiuicCluster.Open())).Lease.Token;
            await Cluster.SaveAsync(names[0], token, 5);
            foreach (var other in names[1..])
            {
                Assert.Null(await Cluster.Run(other).DescribeAsync());
                var open = await Cluster.Run(other).OpenAsync(CiuicCluster.Open());
                Assert.True(open.Granted);
                Assert.Null(open.Head);
                Assert.Equal(1, (await Cluster.SaveAsync(other, open.Lease.Token, 1)).Sequence.Value);
            }

            Assert.Equal(LeaseReply.Held, await Cluster.Run(names[0]).RenewAsync(token));
        }

        await Cluster.AuditAsync();
        var listed = await Task.WhenAll(Enumerable.Range(0, ICatalogueGrain.Shelves).Select(
            shelf => Cluster.Grains.GetGrain<ICatalogueGrain>(shelf).ListAsync()));
        Assert.Equal(LookAlikes.SelectMany(n => n).Order(StringComparer.Ordinal), listed.SelectMany(r => r).Select(r => r.Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Any_two_names_are_two_rows()
    {
        Need();
        var storage = Cluster.Cluster.Silos[0].ServiceProvider.GetRequiredKeyedService<IGrainStorage>(CiuicGrains.StorageProvider);
        var kind = 0;
        await Gen.Select(Names, Names).Where((one, other) => one != other).SampleAsync(
            async pair =>
            {
                var state = $"kind{Interlocked.Increment(ref kind)}";
                await WriteAsync(storage, state, pair.Item1);
                var other = new GrainState<RunState>(new RunState());
                await storage.ReadStateAsync(state, IdOf(pair.Item2), other);
                return !other.RecordExists;
            },
            iter: 150,
            threads: 1);
    }

    [Fact]
    public async Task A_row_that_names_shared_before_belongs_to_the_run_that_wrote_it_last_and_stays_where_it_is()
    {
        Need();
        var services = Cluster.Cluster.Silos[0].ServiceProvider;
        var rows = services.GetRequiredKeyedService<IGrainStorage>("rows");
        var storage = services.GetRequiredKeyedService<IGrainStorage>(CiuicGrains.StorageProvider);
        await WriteAsync(rows, "run", "00fe"); // as versions before wrote it
        Assert.Equal(9, (await Cluster.Run("00fe").DescribeAsync())!.LastEvent);
        Assert.Null(await Cluster.Run("fe").DescribeAsync());
        Assert.Null(await Cluster.Run("FE").DescribeAsync());
        await Cluster.Run("FE").OpenAsync(CiuicCluster.Open());
        await Cluster.Run("00fe").OpenAsync(CiuicCluster.Open());
        Assert.Equal(10, (await Cluster.Run("00fe").DescribeAsync())!.LastEvent);
        var old = new GrainState<RunState>(new RunState());
        await rows.ReadStateAsync("run", IdOf("00fe"), old);
        Assert.Equal(10, old.State!.LastEvent);
        var behind = new GrainState<RunState>(new RunState(), "shared:1");
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("run", IdOf("00fe"), behind));
    }

    /// <summary>Adds the database to a silo; null where there is none.</summary>
    protected abstract Task<Action<ISiloBuilder>?> DatabaseAsync();

    /// <summary>Skips the test where there is no database, or fails it where it is required.</summary>
    protected abstract void Need();

    private static GrainId IdOf(string run) => GrainId.Create("run", run);

    private static async Task WriteAsync(IGrainStorage storage, string state, string run)
    {
        var happened = new RunEvent
        {
            Number = 9,
            Run = RunId.Parse(run),
            Kind = RunEventKind.Closed,
            At = Samples.Time,
            Token = new FencingToken(3),
        };
        await storage.WriteStateAsync(state, IdOf(run), new GrainState<RunState>(new RunState { LastEvent = 9, Outbox = [happened] }));
    }
}

public sealed class RunNamesOnSqliteTests : RunNameTests
{
    private readonly TemporaryFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "Connections are closed by the pool's end.")]
    protected override Task<Action<ISiloBuilder>?> DatabaseAsync()
    {
        var source = SqliteDatabase.Open(_folder.File("ciuic.db"));
        return Task.FromResult<Action<ISiloBuilder>?>(silo => silo.AddState("System.Data.SQLite", source));
    }

    protected override void Need()
    {
    }
}

public sealed class RunNamesOnPostgresTests : RunNameTests
{
    private PostgresServer? _server;
    private PostgresDatabase? _database;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_database is not null)
            await _database.DisposeAsync();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    protected override async Task<Action<ISiloBuilder>?> DatabaseAsync()
    {
        if (PostgresServer.Missing() is not null)
            return null;
        _server = await PostgresServer.StartAsync();
        _database = await PostgresDatabase.OpenAsync(await _server.NewDatabaseAsync(), createsSchema: true, CancellationToken.None);
        return silo => silo.AddState("Npgsql", _database.Source);
    }

    protected override void Need() => Required.Need("postgres", PostgresServer.Missing());
}
