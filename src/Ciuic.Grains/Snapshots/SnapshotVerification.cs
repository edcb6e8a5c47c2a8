using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Orleans.Runtime;

namespace Ciuic.Grains;

/// <summary>The outcome of reading a snapshot back.</summary>
/// <param name="Bytes">Plain bytes of all shards.</param>
/// <param name="Complaint">What is wrong; null when every byte is right.</param>
internal readonly record struct Verdict(long Bytes, string? Complaint);

/// <summary>Reads a snapshot back from the store, chunk by chunk, through the verifiers of all silos.</summary>
internal sealed class SnapshotVerification(ManifestReader manifests, IGrainFactory grains, ISiloStatusOracle silos, SnapshotOptions options)
{
    private const long MaxBatchBytes = 64 << 20;

    public async Task<Verdict> RunAsync(Manifest manifest)
    {
        List<ShardManifest> shards;
        try
        {
            shards = await manifests.ReadShardsAsync(manifest, CancellationToken.None);
            await manifests.CheckSignaturesAsync(manifest, CancellationToken.None);
        }
        catch (CorruptException error)
        {
            return new Verdict(0, error.Message);
        }

        if (ShardSetRules.FindComplaint(shards) is { } misfit)
            return new Verdict(0, misfit);
        foreach (var shard in shards)
        {
            if (await CheckAsync(shard) is { } complaint)
                return new Verdict(0, complaint);
        }

        return new Verdict(shards.Sum(s => s.Length), null);
    }

    private async Task<string?> CheckAsync(ShardManifest shard)
    {
        var batches = new Queue<FamilyToVerify[]>(Batches(shard));
        var verifiers = options.Verifiers * Math.Max(1, silos.GetApproximateSiloStatuses(onlyActive: true).Count);
        string? complaint = null;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(verifiers, batches.Count)).Select(WorkAsync));
        return complaint;

        async Task WorkAsync(int worker)
        {
            // The key spreads the work: snapshots begin at different verifiers.
            var verifier = grains.GetGrain<IVerifierGrain>((shard.Sequence.Value + worker) % verifiers);
            while (complaint is null && batches.TryDequeue(out var batch))
            {
                foreach (var (chunk, what) in await verifier.VerifyAsync(batch))
                    complaint ??= Describe(shard, chunk, what);
            }
        }
    }

    private IEnumerable<FamilyToVerify[]> Batches(ShardManifest shard)
    {
        var batch = new List<FamilyToVerify>();
        var (chunks, bytes) = (0, 0L);
        foreach (var family in new ChunkGraph(shard).FamiliesOf(shard.Chunks.Select(c => c.Id)))
        {
            // What is not wanted is read too: a chain of eight is eight chunks of work.
            var (more, length) = (family.Order.Count, family.Order.Sum(c => (long)c.Length));
            if (batch.Count > 0 && (chunks + more > options.VerifyBatch || bytes + length > MaxBatchBytes))
            {
                yield return [.. batch];
                batch.Clear();
                (chunks, bytes) = (0, 0);
            }

            batch.Add(Write(family));
            (chunks, bytes) = (chunks + more, bytes + length);
        }

        if (batch.Count > 0)
            yield return [.. batch];
    }

    private static FamilyToVerify Write(ChunkFamily family) => new(
        [.. family.Order.Select(c => new ChunkToRead(c.Id, c.Length, c.Base, c.Input1, c.Input2))], [.. family.Wanted]);

    private static string Describe(ShardManifest shard, ChunkId chunk, string complaint)
    {
        var offset = shard.Chunks.TakeWhile(c => c.Id != chunk).Sum(c => (long)c.Length);
        var length = shard.Chunks.First(c => c.Id == chunk).Length;
        return Damage.Describe(shard, offset, length, new CorruptException(complaint)).Message;
    }
}
