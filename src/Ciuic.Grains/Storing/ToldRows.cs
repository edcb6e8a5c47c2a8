using Ciuic.Core;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;

namespace Ciuic.Grains;

/// <summary>
/// Storage whose errors are ours. State is read before a grain's own code runs, and what is thrown then goes to the caller, whose process
/// need not know the database's exceptions: he would be told that a type is missing.
/// </summary>
internal sealed class ToldRows(IGrainStorage rows) : IGrainStorage
{
    /// <exception cref="CorruptException">The row cannot be understood: asking again does not help.</exception>
    /// <exception cref="UnavailableException">The database does not answer.</exception>
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        try
        {
            await rows.ReadStateAsync(stateName, grainId, grainState);
        }
        catch (SerializerException error)
        {
            throw new CorruptException(
                $"The row '{stateName}' of {grainId} in the silo's database cannot be understood: it is damaged, or of a newer version. "
                + error.Message);
        }
        catch (Exception error) when (error is not (CiuicException or OperationCanceledException))
        {
            throw new UnavailableException($"The silo's database did not read the row '{stateName}' of {grainId}: {error.Message}");
        }
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        rows.WriteStateAsync(stateName, grainId, grainState);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        rows.ClearStateAsync(stateName, grainId, grainState);
}
