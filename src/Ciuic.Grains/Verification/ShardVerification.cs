using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Grains;

/// <summary>Has the chunks of one shard checked, batch by batch; batches that were right are done with.</summary>
internal sealed class ShardVerification(ShardManifest shard, Verifiers verifiers, SnapshotOptions options)
{
    private List<(int Verifier, Queue<FamilyToVerify[]> Batches)>? _left;

    /// <summary>Plain bytes of the shard.</summary>
    public long Bytes { get; } = shard.Length;

    /// <summary>Checks what was not found right before.</summary>
    /// <returns>What is wrong; null when every byte is right.</returns>
    public async Task<string?> FindComplaintAsync(CancellationToken cancel)
    {
        _left ??= VerifyBatches.Of(shard, verifiers.Count, options.VerifyBatch);
        string? complaint = null;
        // Where one cannot be read the others go on to their ends: what they find right is not read again.
        await Task.WhenAll(_left.Select(WorkAsync));
        _left = complaint is null ? [] : _left;
        return complaint;

        async Task WorkAsync((int Verifier, Queue<FamilyToVerify[]> Batches) work)
        {
            while (complaint is null && work.Batches.TryPeek(out var batch))
            {
                foreach (var (chunk, what) in await verifiers.CheckAsync(work.Verifier, batch, cancel))
                    complaint ??= Describe(chunk, what);
                if (complaint is null)
                    work.Batches.Dequeue();
            }
        }
    }

    private string Describe(ChunkId chunk, string complaint)
    {
        var offset = shard.Chunks.TakeWhile(c => c.Id != chunk).Sum(c => (long)c.Length);
        var length = shard.Chunks.First(c => c.Id == chunk).Length;
        return Damage.Describe(shard, offset, length, new CorruptException(complaint)).Message;
    }
}
