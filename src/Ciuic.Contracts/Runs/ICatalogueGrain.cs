using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>
/// One shelf of the catalogue of runs: keys 0 to 63, by a hash of the run id, so that no state grows with all runs.
/// </summary>
[Alias("ciuic.ICatalogueGrain")]
public interface ICatalogueGrain : IGrainWithIntegerKey
{
    /// <summary>Number of shelves.</summary>
    const int Shelves = 64;

    /// <summary>The shelf of a run.</summary>
    static int ShelfOf(RunId run) => Digest.Of(StrictUtf8.Encode(run.Value)).Span[0] % Shelves;

    /// <summary>Puts a run on the shelf; again changes nothing.</summary>
    [Alias("Add")]
    Task AddAsync(RunId run);

    /// <summary>The runs on the shelf, by name.</summary>
    [Alias("List")]
    Task<RunId[]> ListAsync();
}
