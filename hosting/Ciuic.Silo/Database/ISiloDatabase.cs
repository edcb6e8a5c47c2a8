using System.Data.Common;
using Orleans.Hosting;

namespace Ciuic.Silo;

/// <summary>Where a silo keeps the grains' state, and how it finds other silos of the same state.</summary>
internal interface ISiloDatabase
{
    /// <summary>Where it is, for people; never with secrets.</summary>
    string Location { get; }

    /// <summary>Returns when it has answered and takes writes.</summary>
    /// <exception cref="Core.UnavailableException">It does not.</exception>
    Task CheckAsync(CancellationToken cancel);

    /// <summary>Its connections.</summary>
    DbDataSource Source { get; }

    /// <summary>Sets up clustering, grain storage and reminders on it.</summary>
    void AddTo(ISiloBuilder silo, SiloOptions options);
}
