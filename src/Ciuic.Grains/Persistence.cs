using Ciuic.Core;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Ciuic.Grains;

/// <summary>The one way in which grains write their state.</summary>
internal static class Persistence
{
    /// <summary>Name of the storage provider that holds all grain state.</summary>
    public const string Provider = "ciuic";

    /// <summary>
    /// What another activation has stored since this one last read or wrote; null where none has. An activation that was left behind
    /// ends. Until then it keeps its state and its ETag: what it decided on them must not be written over what it has not seen.
    /// </summary>
    /// <exception cref="UnavailableException">The database does not answer.</exception>
    public static async Task<T?> FindNewerAsync<T>(this IGrainBase grain, IPersistentState<T> state, string name)
        where T : class, new()
    {
        var stored = await grain.ReadRowAsync<T>(name, grain.GrainContext.GrainId, new GrainState<T>(new T()));
        if (stored.ETag == state.Etag)
            return null;
        grain.DeactivateOnIdle();
        return stored.State;
    }

    /// <summary>What a grain has stored, without waking it; null where nothing is stored.</summary>
    /// <exception cref="UnavailableException">The database does not answer.</exception>
    public static async Task<T?> ReadRowAsync<T>(this IGrainBase reader, string name, GrainId grain)
        where T : class, new()
    {
        var stored = await reader.ReadRowAsync<T>(name, grain, new GrainState<T>(new T()));
        return stored.RecordExists ? stored.State : null;
    }

    private static async Task<GrainState<T>> ReadRowAsync<T>(this IGrainBase reader, string name, GrainId grain, GrainState<T> stored)
    {
        var storage = reader.GrainContext.ActivationServices.GetRequiredKeyedService<IGrainStorage>(Provider);
        try
        {
            await storage.ReadStateAsync(name, grain, stored);
            return stored;
        }
        catch (Exception error) when (error is not CorruptException)
        {
            throw new UnavailableException($"{grain} was not read: {error.Message}");
        }
    }

    /// <summary>What somebody is told who asked an activation that was left behind for more than to read.</summary>
    public static UnavailableException LeftBehind(this IGrainBase grain) =>
        new($"{grain.GrainContext.GrainId}: another activation has gone on with it; ask again.");

    /// <summary>
    /// Reads the state again: another activation may have written it. Only where calls do not interleave, and before anything is decided.
    /// </summary>
    /// <exception cref="UnavailableException">The database does not answer.</exception>
    public static async Task ReadAgainAsync<T>(this IGrainBase grain, IPersistentState<T> state)
    {
        try
        {
            await state.ReadStateAsync();
        }
        catch (Exception error) when (error is not CorruptException)
        {
            throw new UnavailableException($"{grain.GrainContext.GrainId} was not read: {error.Message}");
        }
    }

    /// <summary>
    /// Writes the next state. The ETag in the database decides between two activations, not the belief to be the
    /// only one. After a failure nobody knows what is stored: the activation ends, the next one reads it.
    /// </summary>
    /// <exception cref="UnavailableException">The write failed or its outcome is unknown; ask again.</exception>
    public static async Task SaveAsync<T>(this IGrainBase grain, IPersistentState<T> state, T next)
    {
        var before = state.State;
        state.State = next;
        try
        {
            await state.WriteStateAsync();
        }
        catch (Exception error)
        {
            state.State = before;
            grain.DeactivateOnIdle();
            var why = error is InconsistentStateException
                ? "another activation has written it"
                : "the database did not take it";
            // Foreign exception types do not travel: the caller's process may not know them.
            throw new UnavailableException($"{grain.GrainContext.GrainId} was not written: {why} ({error.Message}).");
        }
    }
}
