using System.Data.Common;
using Ciuic.Grains;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;

namespace Ciuic.Silo;

/// <summary>Grain storage and reminders by Orleans' own providers.</summary>
internal static class AdoNetProviders
{
    /// <summary>Name of the provider that holds the rows of all grain state.</summary>
    private const string Rows = "rows";

    public static void AddState(this ISiloBuilder silo, string invariant, DbDataSource source)
    {
        foreach (var provider in new[] { Rows, "PubSubStore" })
        {
            silo.AddAdoNetGrainStorage(provider, builder => builder.Configure<Serializer>((o, serializer) =>
            {
                o.Invariant = invariant;
                o.DataSource = source;
                o.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer);
            }));
        }

        silo.AddCiuicStorage(services => services.GetRequiredKeyedService<IGrainStorage>(Rows));
        silo.UseAdoNetReminderService(o =>
        {
            o.Invariant = invariant;
            o.DataSource = source;
        });
    }
}
