using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>The way of a save from this machine's disk into a run that is open: its chunks are stored, then it is committed as any other.</summary>
internal sealed class SpooledCommits(RunId run, RunOpening opening, ChunkStore chunks, SpoolHome home, SaveDelivery delivery, VerifierKey? signer, int readers)
{
    public RunId Run => run;

    /// <summary>The chain head that the next one is committed behind.</summary>
    public SnapshotLink? Head => opening.Head;

    /// <summary>The key that signs the run's shards here; null where nothing does.</summary>
    public VerifierKey? Signer => signer;

    /// <summary>Commits a save behind the head.</summary>
    /// <param name="save">The save.</param>
    /// <param name="disk">Where its chunks are.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="ConflictException">It was begun and given up, by the silo or by verification.</exception>
    /// <exception cref="CorruptException">A chunk is missing or damaged.</exception>
    public async Task<SnapshotLink> CommitAsync(SpooledSave save, IObjectStore disk, CancellationToken cancel)
    {
        await opening.ContinueFromAsync(Head, null, "", cancel);
        var shard = save.At(SpooledSave.Placeholder);
        if (save.InBucket) // verification reads them there
            home.TakeReceipts(save);
        else
            await StoreChunksAsync(save, shard, disk, cancel);
        var handle = new SaveHandle(save.Plan.Step, TimeSpan.Zero, shard.Length, shard.Chunks.Count, []);
        delivery.Enqueue(new UploadedSave(
            handle, save.Plan, shard.Tensors, shard.Bytes, Ranks: null, shard.Chunks, shard.Bases, new Dictionary<string, int>())
        {
            IsKept = true,
        });
        try
        {
            return await handle.Committed.WaitAsync(cancel); // and the head has moved there
        }
        catch (UnavailableException error)
        {
            throw new ConflictException(error.Message, error); // what is away is waited for
        }
    }

    private Task StoreChunksAsync(SpooledSave save, ShardManifest shard, IObjectStore disk, CancellationToken cancel) => Parallel.ForEachAsync(
        shard.Chunks.DistinctBy(c => c.Id),
        new ParallelOptions { MaxDegreeOfParallelism = readers, CancellationToken = cancel },
        async (chunk, ending) =>
        {
            var key = BucketLayout.Chunk(chunk);
            var frame = await disk.GetAsync(key, ending) ?? throw new CorruptException($"The save of step {save.Plan.Step} that was kept lacks {key}.");
            await chunks.TakeInAsync(chunk.Id, frame, ending); // checked, and in the place of one that is damaged
        });
}
