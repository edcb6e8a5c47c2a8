using System.Data.Common;
using Ciuic.Grains;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;

namespace Ciuic.Silo;

/// <summary>Grain storage and reminders by Orleans' own providers.</summary>
internal static class AdoNetProviders
{
    public static void AddState(this ISiloBuilder silo, string invariant, DbDataSource source)
    {
        foreach (var provider in new[] { CiuicGrains.StorageProvider, "PubSubStore" })
        {
            silo.AddAdoNetGrainStorage(provider, builder => builder.Configure<Serializer>((o, serializer) =>
            {
                o.Invariant = invariant;
                o.DataSource = source;
                o.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer);
            }));
        }

        silo.UseAdoNetReminderService(o =>
        {
            o.Invariant = invariant;
            o.DataSource = source;
        });
    }
}
