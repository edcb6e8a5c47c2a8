using System.Net;
using Amazon.S3;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Chaos;

/// <summary>PostgreSQL, Ceph, the way to it, and silos.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    private const string Bucket = "chaos";

    private readonly TemporaryFolder _folder = new();
    private readonly List<DemoPlace> _places = [];
    private readonly SiloProcess?[] _silos;
    private readonly SemaphoreSlim[] _starting;
    private readonly SemaphoreSlim _restarting = new(1);
    private readonly CancellationTokenSource _ending = new();
    private Task _keeping = Task.CompletedTask;
    private readonly PostgresServer _postgres;
    private readonly CephServer _ceph;
    private readonly string _database;

    private ChaosCluster(PostgresServer postgres, CephServer ceph, ChaosNetwork? network, string database, ChaosPlan plan)
    {
        (_postgres, _ceph, Network, _database) = (postgres, ceph, network, database);
        Store = new StoreProxy(ceph.Endpoint, HostOf(network));
        _silos = new SiloProcess?[plan.Silos];
        _starting = [.. _silos.Select(_ => new SemaphoreSlim(1))];
        for (var i = 0; i < plan.Silos; i++)
        {
            _places.Add(DemoPlace.Open(Path.Combine(plan.Logs ?? _folder.Path, $"silo{i}")) with
            {
                StoreSettings = StoreSettings(Store.Endpoint),
                Launcher = network?.LauncherOf(i) ?? [],
            });
        }
    }

    /// <summary>The network between silos; null where this machine lets nobody make one.</summary>
    public ChaosNetwork? Network { get; }

    public StoreProxy Store { get; }

    public int Silos => _silos.Length;

    /// <summary>Settings, each NAME=VALUE, of whoever is a client.</summary>
    public IReadOnlyList<string> ClientSettings =>
    [
        .. StoreSettings(Store.Endpoint),
        .. _places.Select((place, i) => $"Ciuic:Client:Gateways:{i}={AddressOf(i)}:{place.GatewayPort}"),
        $"Ciuic:Client:StateDirectory={_folder.File("client")}",
        $"Ciuic:Save:SpoolDirectory={_folder.File("spool")}",
        "Ciuic:Client:WhenLeased=Wait",
        "Ciuic:Save:ChunkBytes=65536",
        "Ciuic:Ranks:Patience=00:02:00",
    ];

    public static async Task<ChaosCluster> StartAsync(ChaosPlan plan)
    {
        foreach (var missing in new[] { PostgresServer.Missing(), CephServer.Missing() }.OfType<string>())
            throw new Core.NotFoundException(missing);
        var network = ChaosNetwork.IsInside ? await ChaosNetwork.StartAsync(plan.Silos) : null;
        var (postgres, ceph) = (await PostgresServer.StartAsync(HostOf(network)), await CephServer.StartAsync());
        try
        {
            await MakeBucketAsync(ceph);
            var cluster = new ChaosCluster(postgres, ceph, network, await postgres.NewDatabaseAsync(), plan);
            await Task.WhenAll(Enumerable.Range(0, plan.Silos).Select(cluster.StartSiloAsync));
            cluster._keeping = cluster.KeepAsync();
            return cluster;
        }
        catch
        {
            await ceph.DisposeAsync();
            await postgres.DisposeAsync();
            throw;
        }
    }

    private static async Task MakeBucketAsync(CephServer ceph)
    {
        using var client = new AmazonS3Client(CephServer.AccessKey, CephServer.SecretKey, new AmazonS3Config
        {
            ServiceURL = ceph.Endpoint.OriginalString,
            AuthenticationRegion = CephServer.Region,
            ForcePathStyle = true,
        });
        await client.PutBucketAsync(Bucket);
    }

    /// <summary>
    /// Starts a silo, again and again while what it needs is away. One at a time in each place: where starting takes longer than it takes until
    /// the next one is killed, two would fight for its ports, and one of them be forgotten.
    /// </summary>
    public async Task StartSiloAsync(int silo)
    {
        await _starting[silo].WaitAsync();
        try
        {
            while (_silos[silo] is null)
                await TryStartSiloAsync(silo);
        }
        finally
        {
            _starting[silo].Release();
        }
    }

    private async Task TryStartSiloAsync(int silo)
    {
        try
        {
            _silos[silo] = await SiloProcess.StartAsync(
                _places[silo],
                CancellationToken.None,
                $"--Ciuic:Silo:Address={AddressOf(silo)}",
                $"--Ciuic:Ledger:KeyDirectory={LedgerKeyFiles.Make(_folder.File("keys"))}",
                $"--Ciuic:Database:PostgreSql={_database}",
                "--Ciuic:Database:CreateSchema=true",
                "--Ciuic:Snapshots:ShardDeadline=00:00:30");
        }
        catch (Core.UnavailableException)
        {
            await Task.Delay(500);
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillSiloAsync(int silo)
    {
        if (Interlocked.Exchange(ref _silos[silo], null) is { } process)
            await process.DisposeAsync();
    }

    /// <summary>SIGSTOP and, later, SIGCONT: to itself it is as if no time had passed.</summary>
    public async Task PauseSiloAsync(int silo, TimeSpan duration)
    {
        if (_silos[silo] is not { } process)
            return;
        await SignalAsync("-STOP", process.Id);
        await Task.Delay(duration);
        await SignalAsync("-CONT", process.Id);
    }

    public Task RestartDatabaseAsync() => OneByOneAsync(_postgres.RestartAsync);

    public Task RestartGatewayAsync() => OneByOneAsync(_ceph.RestartGatewayAsync);

    /// <summary>The bucket, by a way on which nothing is broken.</summary>
    public async Task<IObjectStore> OpenStoreAsync()
    {
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(StoreSettings(_ceph.Endpoint).Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1])))
            .Build();
        return await new StoreSchemes(new S3Scheme()).OpenAsync(settings, CancellationToken.None);
    }

    /// <summary>How often a silo has ended by itself: one that the others took for dead must.</summary>
    public int EndedByItself { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _keeping;
        for (var silo = 0; silo < _silos.Length; silo++)
            await KillSiloAsync(silo);
        await Store.DisposeAsync();
        await _ceph.DisposeAsync();
        await _postgres.DisposeAsync();
        _folder.Dispose();
    }

    private string AddressOf(int silo) => Network?.AddressOf(silo) ?? "127.0.0.1";

    private static IPAddress HostOf(ChaosNetwork? network) => network?.Host ?? IPAddress.Loopback;

    private async Task OneByOneAsync(Func<Task> restart)
    {
        await _restarting.WaitAsync();
        try
        {
            await restart();
        }
        finally
        {
            _restarting.Release();
        }
    }

    /// <summary>Starts silos again that have ended by themselves, as whoever runs them for real does.</summary>
    private async Task KeepAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            for (var silo = 0; silo < _silos.Length; silo++)
            {
                if (_silos[silo] is not { HasExited: true })
                    continue;
                EndedByItself++;
                await KillSiloAsync(silo);
                await StartSiloAsync(silo);
            }

            await Task.Delay(500);
        }
    }

    private static async Task SignalAsync(string signal, int process)
    {
        try
        {
            await ServerProcess.RunAsync(TimeSpan.FromSeconds(5), "kill", signal, $"{process}");
        }
        catch (InvalidOperationException)
        {
            // It was killed meanwhile.
        }
    }

    private static string[] StoreSettings(Uri endpoint) =>
    [
        $"Ciuic:Store:Uri=s3://{Bucket}/team", $"Ciuic:S3:Endpoint={endpoint.OriginalString}", $"Ciuic:S3:Region={CephServer.Region}",
        $"Ciuic:S3:AccessKey={CephServer.AccessKey}", $"Ciuic:S3:SecretKey={CephServer.SecretKey}",
    ];
}
