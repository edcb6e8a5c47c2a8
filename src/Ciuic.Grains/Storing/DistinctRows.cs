using System.Text;
using Orleans.Runtime;
using Orleans.Storage;

namespace Ciuic.Grains;

/// <summary>
/// Storage in which different names are different rows, on a provider that does not keep all names apart (see <see cref="RowNames"/>).
/// What an older version stored in a row that several names shared stays there, and is found by the one that stored it last; the
/// others are unknown, and their run finds its snapshots in the bucket and says what to do.
/// </summary>
/// <param name="rows">The provider.</param>
internal sealed class DistinctRows(IGrainStorage rows) : IGrainStorage
{
    /// <summary>Before the ETag of a row that an older version made: it is written where it was read.</summary>
    private const string Shared = "shared:";

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var name = NameOf<T>(grainId);
        await rows.ReadStateAsync(stateName, name, grainState);
        if (grainState.RecordExists || name == grainId || !IsNamed<T>())
            return;
        var shared = new GrainState<T>(grainState.State);
        await rows.ReadStateAsync(stateName, grainId, shared);
        if (!shared.RecordExists || shared.State is not INamedState state || !state.BelongsTo(Encoding.UTF8.GetString(grainId.Key.AsSpan())))
            return;
        (grainState.State, grainState.ETag, grainState.RecordExists) = (shared.State, Shared + shared.ETag, true);
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ChangeAsync(grainId, grainState, (name, state) => rows.WriteStateAsync(stateName, name, state));

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ChangeAsync(grainId, grainState, (name, state) => rows.ClearStateAsync(stateName, name, state));

    private static async Task ChangeAsync<T>(GrainId grainId, IGrainState<T> grainState, Func<GrainId, IGrainState<T>, Task> change)
    {
        if (grainState.ETag?.StartsWith(Shared, StringComparison.Ordinal) != true)
        {
            await change(NameOf<T>(grainId), grainState);
            return;
        }

        // On its own copy: where it fails, the state keeps the ETag that says where it lives. If another name has taken the shared row
        // meanwhile, an older silo wrote it: the ETag refuses this write, and the next read finds that the row is not ours.
        var shared = new GrainState<T>(grainState.State, grainState.ETag[Shared.Length..]) { RecordExists = grainState.RecordExists };
        await change(grainId, shared);
        (grainState.State, grainState.ETag, grainState.RecordExists) = (shared.State, Shared + shared.ETag, shared.RecordExists);
    }

    private static GrainId NameOf<T>(GrainId grainId) => RowNames.Of(grainId, isNumbered: !IsNamed<T>());

    private static bool IsNamed<T>() => typeof(T).IsAssignableTo(typeof(INamedState));
}
