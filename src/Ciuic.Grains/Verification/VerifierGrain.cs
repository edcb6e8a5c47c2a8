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
internal sealed class VerifierGrain(ChunkStore chunks, VerificationRoom room, Draining draining) : Grain, IVerifierGrain
{
    public Task<Dictionary<ChunkId, string>> VerifyAsync(FamilyToVerify[] families) => VerifyAsync(families, chunks.CheckAsync);

    public Task<Dictionary<ChunkId, string>> VerifyAnewAsync(FamilyToVerify[] families) => VerifyAsync(families, chunks.CheckAnewAsync);

    private async Task<Dictionary<ChunkId, string>> VerifyAsync(FamilyToVerify[] families, Check check)
    {
        var complaints = new Dictionary<ChunkId, string>();
        foreach (var family in families.Select(Read))
        {
            foreach (var (id, outcome) in await CheckAsync(family, check))
            {
                if (outcome.Damage is { } damage)
                    complaints[id] = damage.Message;
            }
        }

        return complaints;
    }

    private async Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> CheckAsync(ChunkFamily family, Check check)
    {
        var need = VerificationRoom.NeedOf(family);
        try
        {
            using var taken = await room.TakeAsync(need, draining.Token);
            return await check(family, draining.Token);
        }
        catch (OperationCanceledException)
        {
            throw Draining.Leaving(); // another silo's verifier does it
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
