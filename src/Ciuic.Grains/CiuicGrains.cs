using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.Serialization;

namespace Ciuic.Grains;

/// <summary>What a silo needs beside storage, reminders and streams to run the grains.</summary>
public static class CiuicGrains
{
    /// <summary>Name of the storage provider that the host must add.</summary>
    public const string StorageProvider = Persistence.Provider;

    /// <summary>Adds the grains' services: the bucket, the keys that sign, and whose word makes history final.</summary>
    public static ISiloBuilder AddCiuicGrains(this ISiloBuilder silo, IObjectStore store, LedgerSigner signer, LedgerTrust trust)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(store);
        silo.Services.AddSingleton(signer);
        silo.Services.AddSingleton(trust);
        silo.Services.AddSingleton(services => new ChunkStore(store, new BaseCache(
            services.GetRequiredService<IOptions<SnapshotOptions>>().Value.VerifyCacheBytes, services.GetRequiredService<TimeProvider>())));
        silo.Services.Configure<ExceptionSerializationOptions>(o => o.SupportedNamespacePrefixes.Add("Ciuic"));
        return silo;
    }
}
