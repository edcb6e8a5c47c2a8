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
        settings.Store.DeleteLeftovers(TimeProvider.System);
        var signer = new LedgerSigner(settings.Ledger.Origin, new LedgerKeyStore(settings.Ledger));
        var trust = LedgerTrustSettings.Read(settings.Ledger, settings.Store.IsDurable, signer);
        var builder = NewBuilder(configuration);
        var database = await OpenDatabaseAsync(settings, builder.Services);
        AddOptions(builder.Services, settings);
        builder.Services.AddSingleton(new SiloSummary(settings, database, store));
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
        builder.Logging.AddConfiguration(configuration.GetSection("Logging")).AddConsole();
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
        var info = new ServerInfo(version, store.Location, settings.Ledger.Name, GatewayServer.MaxObjectBytes);
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
