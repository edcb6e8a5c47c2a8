using Ciuic.Contracts;
using Ciuic.Storage;

namespace Ciuic.Silo;

/// <summary>What a person wants to know about a silo that has started.</summary>
internal sealed record SiloSummary(SiloSettings Settings, ISiloDatabase Database, IObjectStore Store)
{
    /// <summary>Why nothing can be committed yet; null where all is well.</summary>
    public string? Problem { get; init; }

    /// <summary>What <c>--help</c> prints.</summary>
    public const string Help = """
        Starts one Ciuic silo. Everything it needs is made at first start: database, store, keys.

        Settings come from appsettings.json beside the program, which documents all of them; then from the environment
        (Ciuic__Silo__GatewayPort=30001); then from the command line:

          --Ciuic:Silo:GatewayPort=30001 --Ciuic:Store:Uri=file:/data/store

        SIGTERM drains and stops. Exit codes: 0 stopped, 2 usage or configuration, 13 store unreachable, 1 anything else.
        """;

    /// <summary>Where it answers over HTTP.</summary>
    public string Api => Settings.Gateway.IsOn ? $"{Settings.Gateway.Url}/api/v1" : "none";

    /// <summary>What it prints when it has started.</summary>
    public string Greet(LedgerView ledger) => $"""
        {(Problem is null ? "Ciuic silo is ready." : $"Ciuic silo is up, and NOT READY: {Problem}")}
          gateway       {Settings.Silo.Address}:{Settings.Silo.GatewayPort}
          http api      {Api}
          database      {Database.Location}
          store         {Store.Location}
          ledger        {Settings.Ledger.Name} ({Settings.Ledger.Origin})
          blocks        {ledger.Size}, of which {ledger.PublishedSize} are final (quorum: {ledger.Quorum})
          verifier key  {ledger.TreeHeadKeys[^1]}
        """;
}
