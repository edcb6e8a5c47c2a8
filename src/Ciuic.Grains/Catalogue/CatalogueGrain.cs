using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>What a shelf stores.</summary>
[GenerateSerializer, Alias("ciuic.CatalogueState")]
public sealed record CatalogueState
{
    /// <summary>The runs, by name.</summary>
    [Id(0)]
    public RunId[] Runs { get; init; } = [];
}

/// <summary>One shelf of the catalogue.</summary>
internal sealed class CatalogueGrain(
    [PersistentState("catalogue", Persistence.Provider)] IPersistentState<CatalogueState> state)
    : Grain, ICatalogueGrain
{
    public async Task AddAsync(RunId run)
    {
        if (state.State.Runs.Contains(run))
            return;
        var runs = state.State.Runs.Append(run).OrderBy(r => r.Value, StringComparer.Ordinal).ToArray();
        await this.SaveAsync(state, new CatalogueState { Runs = runs });
    }

    public async Task<RunId[]> ListAsync()
    {
        await this.ReadAgainAsync(state); // another activation may have added some
        return state.State.Runs;
    }
}
