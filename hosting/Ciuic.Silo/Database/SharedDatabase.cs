using System.Net;
using Ciuic.Postgres;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Ciuic.Silo;

/// <summary>PostgreSQL, which any number of silos share.</summary>
internal sealed class SharedDatabase(PostgresDatabase database) : ISiloDatabase
{
    private const string Invariant = "Npgsql";

    // A silo that was killed is declared dead after two missed probes: within seconds, where Orleans' defaults take half a
    // minute, because saves in flight wait for it. A silo that only paused is declared dead too, ends itself when it learns of
    // it, and is started again by its supervisor; ETags and fencing hold meanwhile.
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A silo that starts while the database is away reads its reminders at the second try, within half a minute, and from then on
    /// only this often. Until it has them, no snapshot begins whose reminder is its to keep; by default that is five minutes.
    /// </summary>
    private static readonly TimeSpan ReadRemindersEvery = TimeSpan.FromSeconds(10);

    public string Location => database.Location;

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
        silo.Configure<ClusterMembershipOptions>(o =>
        {
            o.ProbeTimeout = ProbeEvery;
            o.NumMissedProbesLimit = 2;
            o.TableRefreshTimeout = LookEvery;
            o.IAmAliveTablePublishTimeout = LookEvery;
        });
        silo.Configure<ReminderOptions>(o => o.RefreshReminderListPeriod = ReadRemindersEvery);
        silo.AddState(Invariant, database.Source);
    }
}
