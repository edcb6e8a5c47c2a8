using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Gateway;
using Ciuic.Grains;
using Ciuic.Postgres;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;

namespace Ciuic.Silo;

/// <summary>Wires one silo on the embedded defaults: SQLite for the grains, a folder for the bytes.</summary>
internal static class SiloHost
{
    /// <summary>SQLite's calls block their thread; a pool that grows by one a second would stall the silo.</summary>
    private const int MinThreads = 32;

    public static async Task<IHost> BuildAsync(IConfiguration configuration)
    {
        ThreadPool.SetMinThreads(MinThreads, MinThreads);
        var settings = SiloSettings.Load(configuration);
        Ports.EnsureFree("Ciuic:Silo:SiloPort", settings.Silo.Address, settings.Silo.SiloPort);
        Ports.EnsureFree("Ciuic:Silo:GatewayPort", settings.Silo.Address, settings.Silo.GatewayPort);
        if (settings.Silo.HealthPort > 0)
            Ports.EnsureFree("Ciuic:Silo:HealthPort", settings.Silo.Address, settings.Silo.HealthPort);
        if (settings.Gateway.IsOn)
            Ports.EnsureFree("Ciuic:Gateway:Port", settings.Gateway.Address, settings.Gateway.Port);
        var store = await new StoreSchemes(new S3Scheme()).OpenAsync(configuration, CancellationToken.None);
        var builder = NewBuilder(configuration);
        var database = await OpenDatabaseAsync(settings, builder.Services);
        var (signer, trust) = await FitAsync(settings, database, store, builder.Services);
        var problem = await ProveAsync(settings, store);
        AddOptions(builder.Services, settings);
        builder.Services.AddSingleton(new SiloSummary(settings, database, store) { Problem = problem });
        if (settings.Silo.HealthPort > 0 || settings.Gateway.IsOn)
            AddHealth(builder.Services, settings, database, store);
        if (settings.Gateway.IsOn)
            AddGateway(builder.Services, settings, store);
        builder.Services.AddHostedService<SiloGreeting>();
        builder.Services.AddHostedService<ScrubStarter>();
        builder.UseOrleans(silo => Configure(silo, configuration, settings, database, store, signer, trust));
        return builder.Build();
    }

    /// <summary>Without .NET's defaults: they read settings of their own, from places that appsettings.json does not name.</summary>
    private static HostApplicationBuilder NewBuilder(IConfiguration configuration)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddConfiguration(configuration);
        SiloLogging.AddTo(builder.Logging, configuration);
        return builder;
    }

    private static void AddOptions(IServiceCollection services, SiloSettings settings)
    {
        services.AddSingleton(Options.Create(settings.Ledger));
        services.AddSingleton(Options.Create(settings.Runs));
        services.AddSingleton(Options.Create(settings.Snapshots));
        services.AddSingleton(Options.Create(settings.Scrub));
        services.Configure<HostOptions>(o => o.ShutdownTimeout = settings.Silo.DrainTimeout);
    }

    private static async Task<ISiloDatabase> OpenDatabaseAsync(SiloSettings settings, IServiceCollection services)
    {
        if (settings.Database.PostgreSql.Length == 0)
        {
            services.AddSingleton(DatabaseLock.Take(settings.Database.Path));
            return new EmbeddedDatabase(settings.Database.Path, SqliteDatabase.Open(settings.Database.Path));
        }

        var shared = await PostgresDatabase.OpenAsync(
            settings.Database.PostgreSql, settings.Database.CreateSchema, CancellationToken.None);
        return new SharedDatabase(shared); // its connections end with the process: grains write until the very last
    }

    /// <summary>
    /// Compares bucket, keys and database before this silo is seen by others: whatever does not fit must not join. A bucket that is full or
    /// read-only is no reason not to start: runs can be read and resumed from it, and the silo says that it is not ready.
    /// </summary>
    private static async Task<(LedgerSigner Signer, LedgerTrust Trust)> FitAsync(
        SiloSettings settings, ISiloDatabase database, IObjectStore store, IServiceCollection services)
    {
        var memory = new DatabaseMemory(database.Source, settings.Silo.ServiceId, database.Location);
        var signer = await new LedgerFit(settings, store, memory).SignerAsync(CancellationToken.None);
        services.AddSingleton(new SiloEnd());
        if (!settings.Store.IsDurable) // each start has another bucket
            return (signer, LedgerTrustSettings.Read(settings.Ledger, null, signer));
        var state = settings.Ledger.StateDirectory.Length == 0 ? settings.Ledger.KeyDirectory : settings.Ledger.StateDirectory;
        var accepted = new AcceptedHeads(new HeadFiles(state), new DatabaseHeads(memory));
        var trust = LedgerTrustSettings.Read(settings.Ledger, accepted, signer);
        var fit = new BucketFit(store, memory, settings.Ledger.Name, signer, accepted, TimeProvider.System);
        if (await fit.RequireAsync(CancellationToken.None) is null)
        {
            services.AddHostedService(provider => new BucketKeeper(
                fit, provider.GetRequiredService<IHostApplicationLifetime>(), provider.GetRequiredService<SiloEnd>(), TimeProvider.System,
                provider.GetRequiredService<ILogger<BucketKeeper>>()));
        }

        return (signer, trust);
    }

    /// <summary>
    /// Does to the bucket what a commit needs: a server that would let two writers win is refused now, and not at the first one.
    /// </summary>
    /// <returns>Why nothing can be committed yet: the bucket is full, or read-only. Null where it can.</returns>
    private static async Task<string?> ProveAsync(SiloSettings settings, IObjectStore store)
    {
        try
        {
            settings.Store.DeleteLeftovers(TimeProvider.System);
            await new StoreProbe(store, TimeProvider.System).RunAsync(CancellationToken.None);
            return null;
        }
        catch (UnavailableException error)
        {
            return $"{error.Message} Nothing is committed until that is mended; runs can be read and resumed.";
        }
    }

    private static void AddHealth(IServiceCollection services, SiloSettings settings, ISiloDatabase database, IObjectStore store)
    {
        services.AddSingleton(provider => new SiloHealth(
            provider.GetRequiredService<IHostApplicationLifetime>(),
            () => provider.GetRequiredService<ISiloStatusOracle>().CurrentStatus,
            [
                Watch("database", database.CheckAsync),
                Watch("store", new StoreProbe(store, TimeProvider.System).RunAsync),
                Watch("ledger", new LedgerProbe(provider.GetRequiredService<IGrainFactory>(), settings.Ledger.Name).RunAsync),
            ]));
        if (settings.Silo.HealthPort > 0)
            services.AddHostedService(provider => new HealthServer(settings.Silo, provider.GetRequiredService<SiloHealth>()));
        WatchedPart Watch(string name, Func<CancellationToken, Task> probe) => new(name, probe, settings.Silo, TimeProvider.System);
    }

    private static void AddGateway(IServiceCollection services, SiloSettings settings, IObjectStore store)
    {
        var version = typeof(SiloHost).Assembly.GetName().Version!.ToString(3);
        var info = new ServerInfo(version, store.Location, settings.Ledger.Name, GatewayServer.MaxObjectBytes, settings.Ledger.Origin);
        services.AddHostedService(provider => new LocalKeyFile(
            settings.Gateway, provider.GetRequiredService<IGrainFactory>(), TimeProvider.System, provider.GetRequiredService<ILogger<LocalKeyFile>>()));
        services.AddHostedService(provider => new GatewayServer(
            settings.Gateway, provider.GetRequiredService<IGrainFactory>(), store, info, HealthOf(provider.GetRequiredService<SiloHealth>()),
            TimeProvider.System, provider.GetRequiredService<ILoggerFactory>()));
        static ProgramHealth HealthOf(SiloHealth health) => new(health.Live, health.Startup, health.ReadyAsync);
    }

    private static void Configure(
        ISiloBuilder silo,
        IConfiguration configuration,
        SiloSettings settings,
        ISiloDatabase database,
        IObjectStore store,
        LedgerSigner signer,
        LedgerTrust trust)
    {
        OrleansSettings.AddTo(silo, configuration);
        database.AddTo(silo, settings.Silo);
        silo.AddCiuicGrains(store, signer, trust);
    }
}
