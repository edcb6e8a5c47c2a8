using Ciuic.Contracts;

namespace Ciuic.Grains;

/// <summary>What a page stores.</summary>
[GenerateSerializer, Alias("ciuic.HistoryPageState")]
public sealed record HistoryPageState
{
    /// <summary>Its events, oldest first.</summary>
    [Id(0)]
    public RunEvent[] Events { get; init; } = [];
}

/// <summary>One page of a run's history. Pages are many, and each is read seldom: none stays in memory for long.</summary>
[CollectionAgeLimit(Minutes = 2)]
internal sealed class HistoryPageGrain(
    [PersistentState("history", Persistence.Provider)] IPersistentState<HistoryPageState> state)
    : Grain, IHistoryPageGrain
{
    private bool IsFull => state.State.Events.Length >= IHistoryPageGrain.Capacity;

    public async Task AppendAsync(RunEvent[] events)
    {
        var newest = state.State.Events.LastOrDefault()?.Number ?? 0;
        var fresh = events.Where(e => e.Number > newest).ToArray();
        if (fresh.Length > 0)
            await this.SaveAsync(state, new HistoryPageState { Events = [.. state.State.Events, .. fresh] });
        if (IsFull)
            DeactivateOnIdle(); // nothing is added any more, and hardly anybody reads it
    }

    public async Task<RunEvent[]> ReadAsync()
    {
        // Another activation may have written more; a full page stays as it is.
        if (!IsFull)
            await this.ReadAgainAsync(state);
        return state.State.Events;
    }
}
