using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Orleans.Concurrency;
using Orleans.Placement;

namespace Ciuic.Grains;

/// <summary>
/// Reads chunks and checks them. Several calls interleave: their work is waiting for the store. One of a key lives where its hash
/// says, so that it comes back to the silo that holds what it has read.
/// </summary>
[Reentrant] // has no state that a second call could disturb
[HashBasedPlacement]
internal sealed class VerifierGrain(ChunkStore chunks, VerificationRoom room, Draining draining, TimeProvider time) : Grain, IVerifierGrain
{
    /// <summary>Shorter than a caller waits: what he has given up is not done beside what he asks for again.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(110);

    public Task<Dictionary<ChunkId, string>> VerifyAsync(FamilyToVerify[] families) => VerifyAsync(families, chunks.CheckAsync);

    public Task<Dictionary<ChunkId, string>> VerifyAnewAsync(FamilyToVerify[] families) => VerifyAsync(families, chunks.CheckAnewAsync);

    private async Task<Dictionary<ChunkId, string>> VerifyAsync(FamilyToVerify[] families, Check check)
    {
        var complaints = new Dictionary<ChunkId, string>();
        using var limit = new CancellationTokenSource(Limit, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, draining.Token);
        foreach (var family in families.Select(Read))
        {
            foreach (var (id, outcome) in await CheckAsync(family, check, ending.Token))
            {
                if (outcome.Damage is { } damage)
                    complaints[id] = damage.Message;
            }
        }

        return complaints;
    }

    private async Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> CheckAsync(ChunkFamily family, Check check, CancellationToken cancel)
    {
        var need = VerificationRoom.NeedOf(family);
        try
        {
            using var taken = await room.TakeAsync(need, cancel);
            return await check(family, cancel);
        }
        catch (OperationCanceledException)
        {
            // Another silo's verifier does it, or this one later.
            throw draining.Begun.IsCompleted ? Draining.Leaving()
                : new UnavailableException($"This silo could not check its chunks within {Limit}: it, or the store, has too much to do.");
        }
        catch (OutOfMemoryException)
        {
            throw new UnavailableException(
                $"This silo has not enough memory to check chunks that need {need >> 20} MiB at once: give it more, or lower "
                + "Ciuic:Snapshots:VerifyMemoryBytes and Ciuic:Snapshots:VerifyCacheBytes, or save in smaller chunks.");
        }
    }

    private static ChunkFamily Read(FamilyToVerify family) => new(
        [.. family.Order.Select(c => new ChunkRecord { Id = c.Id, Length = c.Length, Base = c.Base, Input1 = c.Input1, Input2 = c.Input2 })],
        family.Wanted.ToHashSet());

    private delegate Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> Check(ChunkFamily family, CancellationToken cancel);
}
