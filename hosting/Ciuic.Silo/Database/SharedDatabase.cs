using System.Data.Common;
using System.Net;
using Ciuic.Postgres;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Ciuic.Silo;

/// <summary>PostgreSQL, which any number of silos share.</summary>
internal sealed class SharedDatabase(PostgresDatabase database) : ISiloDatabase
{
    private const string Invariant = "Npgsql";

    public string Location => database.Location;

    public DbDataSource Source => database.Source;

    public Task CheckAsync(CancellationToken cancel) => database.CheckAsync(cancel);

    public void AddTo(ISiloBuilder silo, SiloOptions options)
    {
        silo.UseAdoNetClustering(o =>
        {
            o.Invariant = Invariant;
            o.DataSource = database.Source;
        });
        silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (options.ClusterId, options.ServiceId));
        silo.ConfigureEndpoints(IPAddress.Parse(options.Address), options.SiloPort, options.GatewayPort);
        silo.AddState(Invariant, database.Source);
    }
}
