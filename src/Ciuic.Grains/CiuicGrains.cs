using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;

namespace Ciuic.Grains;

/// <summary>What a silo needs beside storage, reminders and streams to run the grains.</summary>
public static class CiuicGrains
{
    /// <summary>Name of the storage provider that <see cref="AddCiuicStorage"/> adds.</summary>
    public const string StorageProvider = Persistence.Provider;

    /// <summary>Adds the grains' services: the bucket, the keys that sign, and whose word makes history final.</summary>
    public static ISiloBuilder AddCiuicGrains(this ISiloBuilder silo, IObjectStore store, LedgerSigner signer, LedgerTrust trust)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(store);
        silo.Services.AddSingleton(new KnownBucket(store));
        silo.Services.AddSingleton(signer);
        silo.Services.AddSingleton(trust);
        silo.Services.TryAddSingleton<Draining>();
        silo.Services.AddSingleton<EndedKeys>();
        silo.AddStartupTask((services, _) => services.GetRequiredService<EndedKeys>().LookAsync());
        silo.Services.AddSingleton(services => new ChunkStore(store, new BaseCache(
            Math.Min(Of(services).VerifyCacheBytes, Quarter), services.GetRequiredService<TimeProvider>())));
        silo.Services.AddSingleton(services => new VerificationRoom(Of(services).VerifyMemoryBytes is > 0 and var set ? set : Quarter));
        silo.AddIncomingGrainCallFilter<ForeignErrorFilter>();
        silo.Services.Configure<ExceptionSerializationOptions>(o => o.SupportedNamespacePrefixes.Add("Ciuic"));
        return silo;
    }

    /// <summary>Makes a storage provider the one of all grain state, with a row of its own for each name.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="rows">The provider, from the silo's services.</param>
    public static ISiloBuilder AddCiuicStorage(this ISiloBuilder silo, Func<IServiceProvider, IGrainStorage> rows)
    {
        silo.Services.AddKeyedSingleton<IGrainStorage>(Persistence.Provider, (services, _) => new ToldRows(new DistinctRows(rows(services))));
        return silo;
    }

    /// <summary>A quarter of the memory that this process may use, a container's limit included: verification is not all that a silo does.</summary>
    private static long Quarter => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    private static SnapshotOptions Of(IServiceProvider services) => services.GetRequiredService<IOptions<SnapshotOptions>>().Value;
}
