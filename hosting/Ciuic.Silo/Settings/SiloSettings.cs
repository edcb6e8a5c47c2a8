using System.Net;
using Ciuic.Core;
using Ciuic.Gateway;
using Ciuic.Grains;
using Ciuic.Storage;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Silo;

/// <summary>All settings of a silo, read and checked before anything is opened.</summary>
internal sealed record SiloSettings(
    SiloOptions Silo,
    DatabaseOptions Database,
    StoreOptions Store,
    LedgerOptions Ledger,
    RunOptions Runs,
    SnapshotOptions Snapshots,
    ScrubOptions Scrub,
    GatewayOptions Gateway)
{
    public static SiloSettings Load(IConfiguration configuration)
    {
        var settings = Read(configuration);
        return settings.Database.PostgreSql.Length > 0 || IPAddress.IsLoopback(IPAddress.Parse(settings.Silo.Address))
            ? settings
            : throw new InvalidInputException(
                $"Ciuic:Silo:Address: a silo without Ciuic:Database:PostgreSql stands alone on 127.0.0.1, not on {settings.Silo.Address}.");
    }

    private static SiloSettings Read(IConfiguration configuration) => new(
        StrictSettings.Read<SiloOptions>(configuration, "Ciuic:Silo"),
        StrictSettings.Read<DatabaseOptions>(configuration, "Ciuic:Database"),
        StrictSettings.Read<StoreOptions>(configuration, "Ciuic:Store"),
        StrictSettings.Read<LedgerOptions>(configuration, "Ciuic:Ledger"),
        StrictSettings.Read<RunOptions>(configuration, "Ciuic:Runs"),
        StrictSettings.Read<SnapshotOptions>(configuration, "Ciuic:Snapshots"),
        StrictSettings.Read<ScrubOptions>(configuration, "Ciuic:Scrub"),
        StrictSettings.Read<GatewayOptions>(configuration, "Ciuic:Gateway"));
}
