using Ciuic.Contracts;
using Ciuic.Core;
using Orleans.Runtime;

namespace Ciuic.Grains;

/// <summary>Asks the verifiers of all silos, and asks another one where one does not answer.</summary>
/// <param name="grains">Finds them.</param>
/// <param name="silos">How many silos there are.</param>
/// <param name="options">How many of each are kept busy.</param>
/// <param name="time">The clock.</param>
internal sealed class Verifiers(IGrainFactory grains, ISiloStatusOracle silos, SnapshotOptions options, TimeProvider time)
{
    /// <summary>Times that one batch is asked for before the snapshot as a whole is tried again.</summary>
    private const int Tries = 5;

    /// <summary>Whether everything is read from the store, and nothing believed that is in memory.</summary>
    public bool Anew { get; init; }

    /// <summary>Told what keeps a batch from being checked; null when one was checked.</summary>
    public Action<string?> Told { get; init; } = _ => { };

    /// <summary>How many there are.</summary>
    public int Count => options.Verifiers * Math.Max(1, silos.GetApproximateSiloStatuses(onlyActive: true).Count);

    /// <returns>One complaint for each damaged chunk.</returns>
    /// <exception cref="UnavailableException">The store or the silos do not answer.</exception>
    public async Task<Dictionary<ChunkId, string>> CheckAsync(int verifier, FamilyToVerify[] batch, CancellationToken cancel)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                var complaints = await AskAsync(verifier + attempt, batch).WaitAsync(cancel);
                Told(null);
                return complaints;
            }
            catch (Exception error) when (!cancel.IsCancellationRequested)
            {
                Told(error.Message);
                if (attempt + 1 == Tries)
                    throw error as CiuicException ?? new UnavailableException(error.Message);
            }

            await Task.Delay(options.RetryInterval, time, cancel);
        }
    }

    private Task<Dictionary<ChunkId, string>> AskAsync(int verifier, FamilyToVerify[] batch)
    {
        var grain = grains.GetGrain<IVerifierGrain>(verifier % Count);
        return Anew ? grain.VerifyAnewAsync(batch) : grain.VerifyAsync(batch);
    }
}
