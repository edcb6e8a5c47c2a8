using Ciuic.Core;

namespace Ciuic.Silo;

/// <summary>
/// What all silos of one database remember together, in small texts by name. It is read and written before this silo joins them.
/// </summary>
internal interface IClusterMemory
{
    /// <summary>Where it is, for people; never with secrets.</summary>
    string Location { get; }

    /// <summary>A text; null where there is none.</summary>
    /// <exception cref="UnavailableException">The database does not answer.</exception>
    Task<string?> ReadAsync(string name, CancellationToken cancel);

    /// <summary>All texts whose names begin so.</summary>
    /// <exception cref="UnavailableException">The database does not answer.</exception>
    Task<IReadOnlyDictionary<string, string>> ReadAllAsync(string prefix, CancellationToken cancel);

    /// <summary>Writes a text; of any number of writers that have read the same one, one succeeds.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="before">What was read; null for nothing.</param>
    /// <param name="text">What is to be there.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>False where something else is there: read again.</returns>
    /// <exception cref="UnavailableException">The outcome is unknown: read again.</exception>
    Task<bool> TryWriteAsync(string name, string? before, string text, CancellationToken cancel);

    /// <summary>Whether these silos have ever begun a snapshot: a run that was opened only has nothing that could be lost.</summary>
    /// <exception cref="UnavailableException">The database does not answer.</exception>
    Task<bool> HasSnapshotsAsync(CancellationToken cancel);
}
