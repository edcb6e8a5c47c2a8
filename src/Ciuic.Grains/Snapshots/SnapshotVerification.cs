using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Grains;

/// <summary>The outcome of reading a snapshot back.</summary>
/// <param name="Bytes">Plain bytes of all shards.</param>
/// <param name="Complaint">What is wrong; null when every byte is right.</param>
internal readonly record struct Verdict(long Bytes, string? Complaint);

/// <summary>Reads a snapshot back from the store, chunk by chunk, through the verifiers of all silos.</summary>
internal sealed class SnapshotVerification(ManifestReader manifests, IGrainFactory grains, SnapshotOptions options)
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

        foreach (var shard in shards)
        {
            if (await CheckAsync(shard) is { } complaint)
                return new Verdict(0, complaint);
        }

        return new Verdict(shards.Sum(s => s.Length), null);
    }

    private async Task<string?> CheckAsync(ShardManifest shard)
    {
        var batches = new Queue<(int From, ChunkToVerify[] Chunks)>(Batches(shard));
        string? complaint = null;
        await Task.WhenAll(Enumerable.Range(0, options.Verifiers).Select(WorkAsync));
        return complaint;

        async Task WorkAsync(int worker)
        {
            // The key spreads the work: snapshots begin at different verifiers.
            var verifier = grains.GetGrain<IVerifierGrain>((shard.Sequence.Value + worker) % options.Verifiers);
            while (complaint is null && batches.TryDequeue(out var batch))
            {
                foreach (var (index, what) in await verifier.VerifyAsync(batch.Chunks))
                    complaint ??= Describe(shard, batch.From + index, what);
            }
        }
    }

    private IEnumerable<(int From, ChunkToVerify[] Chunks)> Batches(ShardManifest shard)
    {
        var graph = new ChunkGraph(shard);
        var (from, bytes) = (0, 0L);
        for (var i = 0; i < shard.Chunks.Count; i++)
        {
            if (i > from && (i - from == options.VerifyBatch || bytes + shard.Chunks[i].Length > MaxBatchBytes))
            {
                yield return (from, Batch(shard, graph, from, i));
                (from, bytes) = (i, 0);
            }

            bytes += shard.Chunks[i].Length;
        }

        if (from < shard.Chunks.Count)
            yield return (from, Batch(shard, graph, from, shard.Chunks.Count));
    }

    private static ChunkToVerify[] Batch(ShardManifest shard, ChunkGraph graph, int from, int to) =>
        shard.Chunks.Take(from..to).Select(c => new ChunkToVerify(c.Id, c.Length, [.. graph.BasesOf(c.Id)])).ToArray();

    private static string Describe(ShardManifest shard, int chunk, string complaint)
    {
        var offset = shard.Chunks.Take(chunk).Sum(c => (long)c.Length);
        return Damage.Describe(shard, offset, shard.Chunks[chunk].Length, new CorruptException(complaint)).Message;
    }
}
