using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// A shard of which each part is read and checked when it is asked for, some chunks at a time: for a few tensors of many, or for a
/// state that is larger than the staging memory.
/// </summary>
public sealed class StreamedShard : ShardContent
{
    private readonly ChunkStore _chunks;
    private readonly ChunkGraph _graph;
    private readonly IReadOnlyList<(ChunkRecord Record, ChunkRange Range)> _ranges;
    private readonly int _parallelism;
    private readonly CancellationToken _cancel;
    private readonly RecentChunks _recent;

    private StreamedShard(
        ChunkStore chunks, ShardManifest manifest, RecentChunks recent, int parallelism, CancellationToken cancel)
        : base(manifest)
    {
        (_chunks, _graph) = (chunks, new ChunkGraph(manifest));
        (_parallelism, _cancel) = (parallelism, cancel);
        _ranges = [.. manifest.ChunksInOrder()];
        _recent = recent;
    }

    /// <summary>A shard of which nothing is read yet.</summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="recent">Keeps what was read last, of all shards of the snapshot together.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the reading.</param>
    internal static StreamedShard Open(
        ChunkStore chunks, ShardManifest shard, RecentChunks recent, int parallelism, CancellationToken cancel) =>
        new(chunks, shard, recent, parallelism, cancel);

    /// <summary>
    /// Checks chunks, on all cores: what is handed out later, read again, is then known to be whole before anything live is
    /// touched.
    /// </summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="needed">Its chunks that will be read.</param>
    /// <param name="recent">Keeps what was read last, of all shards of the snapshot together.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the checking; the reading later ends by itself, because half a state is none.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, tensor and chunk.</exception>
    internal static async Task<StreamedShard> CheckAsync(
        ChunkStore chunks,
        ShardManifest shard,
        IReadOnlyList<(ChunkRecord Record, ChunkRange Range)> needed,
        RecentChunks recent,
        int parallelism,
        CancellationToken cancel)
    {
        var places = needed.ToLookup(n => n.Record.Id, n => n.Range);
        await shard.ReadFamiliesAsync(places, parallelism, chunks.CheckAsync, cancel);
        return Open(chunks, shard, recent, parallelism, CancellationToken.None);
    }

    /// <inheritdoc/>
    public override void Read(long offset, long length, Action<long, ReadOnlyMemory<byte>> copy)
    {
        if (length == 0)
            return;
        var (first, last) = (IndexOf(offset), IndexOf(offset + length - 1));
        for (var at = first; at <= last; at++)
        {
            // The next ones are on their way while this one is copied. What lies beyond the stretch nobody has asked for.
            for (var ahead = at; ahead <= last && ahead < at + _parallelism; ahead++)
                _recent.Start(this, ahead);
            var range = _ranges[at].Range;
            var (from, to) = (Math.Max(offset, range.Offset), Math.Min(offset + length, range.Offset + range.Length));
            using var chunk = _recent.Take(this, at);
            copy(from - offset, chunk.Plain[(int)(from - range.Offset)..(int)(to - range.Offset)]);
        }
    }

    /// <inheritdoc/>
    public override async Task ReadAsync(IReadOnlyList<ShardRead> reads, CancellationToken cancel)
    {
        var inOrder = reads.OrderBy(r => r.Offset).ToArray();
        var places = Manifest.ChunksOf([.. inOrder.Select(r => new ShardStretch(r.Offset, r.Length))])
            .ToLookup(c => c.Record.Id, c => c.Range);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel, _cancel);
        await Manifest.ReadFamiliesAsync(places, _parallelism, ReadAsync, ending.Token);

        async Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> ReadAsync(ChunkFamily family, CancellationToken stop)
        {
            var lent = new Dictionary<ChunkId, BufferPool.Loan>();
            try
            {
                var outcomes = await _chunks.ReadAsync(family, c => (lent[c.Id] = _chunks.Lend(c.Length)).Memory, stop);
                foreach (var (id, range) in outcomes.Where(o => o.Value.Damage is null).SelectMany(o => places[o.Key].Select(r => (o.Key, r))))
                    HandOver(inOrder, range, lent[id].Memory);
                return outcomes;
            }
            finally
            {
                foreach (var loan in lent.Values)
                    loan.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    internal override Task CheckAsync(IReadOnlyList<ShardStretch> stretches, CancellationToken cancel)
    {
        var needed = Manifest.ChunksOf([.. stretches.OrderBy(s => s.Offset)]);
        return Manifest.ReadFamiliesAsync(needed.ToLookup(n => n.Record.Id, n => n.Range), _parallelism, _chunks.CheckAsync, cancel);
    }

    /// <summary>Gives each record what a chunk holds of it. Records lie one behind the other, so the first one can be searched for.</summary>
    private static void HandOver(ShardRead[] reads, ChunkRange range, ReadOnlyMemory<byte> plain)
    {
        var end = range.Offset + range.Length;
        for (var i = FirstEndingBehind(reads.Length, r => reads[r].Offset + reads[r].Length, range.Offset); i < reads.Length && reads[i].Offset < end; i++)
        {
            var read = reads[i];
            var (from, to) = (Math.Max(read.Offset, range.Offset), Math.Min(read.Offset + read.Length, end));
            read.Copy(from - read.Offset, plain[(int)(from - range.Offset)..(int)(to - range.Offset)]);
        }
    }

    /// <summary>The chunk that holds a byte.</summary>
    private int IndexOf(long offset) => FirstEndingBehind(_ranges.Count, i => _ranges[i].Range.Offset + _ranges[i].Range.Length, offset);

    private static int FirstEndingBehind(int count, Func<int, long> endOf, long offset)
    {
        var (low, high) = (0, count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (endOf(middle) > offset)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    /// <summary>Reads a chunk by its place, in memory that the caller gives back.</summary>
    internal async Task<BufferPool.Loan> ReadAsync(int index)
    {
        var (record, range) = _ranges[index];
        var plain = _chunks.Lend(range.Length);
        try
        {
            var outcomes = await _chunks.ReadAsync(_graph.FamiliesOf([record.Id]).First(), _ => plain.Memory, _cancel);
            return outcomes[record.Id].Damage is { } damage
                ? throw Damage.Describe(Manifest, range.Offset, range.Length, damage)
                : plain;
        }
        catch
        {
            plain.Dispose();
            throw;
        }
    }
}
