namespace Ciuic.Contracts;

/// <summary>
/// A page of a run's history, so that a commit costs the same whatever the length of the run. The key is
/// <c>run/page</c>; page p holds the events from p x 128 + 1 on.
/// </summary>
[Alias("ciuic.IHistoryPageGrain")]
public interface IHistoryPageGrain : IGrainWithStringKey
{
    /// <summary>Events of a page.</summary>
    const int Capacity = 128;

    /// <summary>Stores events; those it has already are left as they are.</summary>
    [Alias("Append")]
    Task AppendAsync(RunEvent[] events);

    /// <summary>Its events, oldest first.</summary>
    [Alias("Read")]
    Task<RunEvent[]> ReadAsync();
}
