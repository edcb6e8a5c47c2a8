using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Grains;

/// <summary>Reads chunks and checks them. Several calls interleave: their work is waiting for the store.</summary>
[Orleans.Concurrency.Reentrant] // has no state that a second call could disturb
internal sealed class VerifierGrain(ChunkStore chunks) : Grain, IVerifierGrain
{
    public async Task<Dictionary<ChunkId, string>> VerifyAsync(FamilyToVerify[] families)
    {
        var complaints = new Dictionary<ChunkId, string>();
        foreach (var family in families)
        {
            foreach (var (id, outcome) in await chunks.CheckAsync(Read(family), CancellationToken.None))
            {
                if (outcome.Damage is { } damage)
                    complaints[id] = damage.Message;
            }
        }

        return complaints;
    }

    private static ChunkFamily Read(FamilyToVerify family) => new(
        [.. family.Order.Select(c => new ChunkRecord { Id = c.Id, Length = c.Length, Base = c.Base, Input1 = c.Input1, Input2 = c.Input2 })],
        family.Wanted.ToHashSet());
}
