using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>How far an upload is.</summary>
/// <param name="DoneBytes">Plain bytes hashed and stored.</param>
/// <param name="TotalBytes">Plain bytes of the shard.</param>
/// <param name="DoneChunks">Chunks hashed and stored.</param>
/// <param name="TotalChunks">Chunks of the shard.</param>
public readonly record struct UploadProgress(long DoneBytes, long TotalBytes, int DoneChunks, int TotalChunks);

/// <summary>The chunks of an uploaded shard and what it cost.</summary>
/// <param name="Chunks">All chunks in order.</param>
/// <param name="WrittenBytes">Bytes that went to the bucket.</param>
/// <param name="WrittenChunks">Chunks that were not there before.</param>
/// <param name="RepairedChunks">Chunks that were there, damaged, and are right now.</param>
public sealed record UploadedShard(
    IReadOnlyList<ChunkRecord> Chunks, long WrittenBytes, int WrittenChunks, int RepairedChunks);

/// <summary>
/// Staged bytes to chunks in the bucket: every chunk is hashed in staging memory on all cores; those known to be
/// stored cost the hash and nothing more.
/// </summary>
public sealed class ShardUploader(ChunkStore chunks, int parallelism)
{
    private HashSet<ChunkId> _known = [];

    /// <summary>Uploads a shard. Calls do not overlap.</summary>
    /// <param name="shard">The staged bytes; must not change until this returns.</param>
    /// <param name="progress">Told after each chunk, from several threads; an exception ends the upload.</param>
    /// <param name="cancel">Ends the upload; chunks stored until then stay, unreferenced.</param>
    public async Task<UploadedShard> UploadAsync(
        StagedShard shard, Action<UploadProgress> progress, CancellationToken cancel)
    {
        var records = new ChunkRecord[shard.Chunks.Count];
        var tally = new Tally(shard, progress);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        await Parallel.ForAsync(0, records.Length, options, async (i, stop) =>
        {
            var plain = shard.Content(shard.Chunks[i]);
            records[i] = new ChunkRecord { Id = ChunkId.Of(plain.Span), Length = plain.Length };
            if (_known.Contains(records[i].Id))
                tally.Count(ChunkStored.Reused, 0, plain.Length);
            else
                await StoreAsync(records[i].Id, plain, tally, stop);
        });
        // Only the last shard's chunks are remembered: that is where unchanged ones come from.
        _known = records.Select(r => r.Id).ToHashSet();
        return new UploadedShard(records, tally.WrittenBytes, tally.WrittenChunks, tally.RepairedChunks);
    }

    /// <summary>Forgets which chunks are stored, after the bucket was found damaged.</summary>
    public void ForgetKnown() => _known = [];

    private async Task StoreAsync(ChunkId id, Memory<byte> plain, Tally tally, CancellationToken cancel)
    {
        var (how, bytes) = await chunks.StoreAsync(id, plain, cancel);
        tally.Count(how, bytes, plain.Length);
    }

    private sealed class Tally(StagedShard shard, Action<UploadProgress> progress)
    {
        private readonly long _total = shard.Length;
        private readonly Lock _lock = new();
        private long _doneBytes;
        private int _doneChunks;

        public long WrittenBytes { get; private set; }

        public int WrittenChunks { get; private set; }

        public int RepairedChunks { get; private set; }

        public void Count(ChunkStored how, int stored, int plain)
        {
            UploadProgress now;
            lock (_lock)
            {
                WrittenBytes += stored;
                WrittenChunks += how == ChunkStored.Written ? 1 : 0;
                RepairedChunks += how == ChunkStored.Repaired ? 1 : 0;
                _doneBytes += plain;
                now = new UploadProgress(_doneBytes, _total, ++_doneChunks, shard.Chunks.Count);
            }

            progress(now);
        }
    }
}
