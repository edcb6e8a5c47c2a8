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

    private StreamedShard(ChunkStore chunks, ShardManifest manifest, int parallelism, CancellationToken cancel)
        : base(manifest)
    {
        (_chunks, _graph) = (chunks, new ChunkGraph(manifest));
        (_parallelism, _cancel) = (parallelism, cancel);
        _ranges = [.. manifest.ChunksInOrder()];
    }

    /// <summary>A shard of which nothing is read yet.</summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the reading.</param>
    public static StreamedShard Open(ChunkStore chunks, ShardManifest shard, int parallelism, CancellationToken cancel) =>
        new(chunks, shard, parallelism, cancel);

    /// <summary>
    /// Checks chunks, on all cores: what is handed out later, read again, is then known to be whole before anything live is
    /// touched.
    /// </summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="needed">Its chunks that will be read.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the checking; the reading later ends by itself, because half a state is none.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, tensor and chunk.</exception>
    internal static async Task<StreamedShard> CheckAsync(
        ChunkStore chunks,
        ShardManifest shard,
        IReadOnlyList<(ChunkRecord Record, ChunkRange Range)> needed,
        int parallelism,
        CancellationToken cancel)
    {
        var places = needed.ToLookup(n => n.Record.Id, n => n.Range);
        await shard.ReadFamiliesAsync(places, parallelism, chunks.CheckAsync, cancel);
        return Open(chunks, shard, parallelism, CancellationToken.None);
    }

    /// <inheritdoc/>
    public override void Read(long offset, long length, Action<long, ReadOnlyMemory<byte>> copy)
    {
        foreach (var some in Within(offset, length).Chunk(_parallelism))
        {
            var read = some.Select(c => (c.Range, Plain: _chunks.Lend(c.Range.Length))).ToList();
            try
            {
                // The one who restores is no task: it writes into live tensors, on the thread that owns them.
                var reading = some.Zip(read, (c, r) => Task.Run(() => ReadAsync(c.Record, c.Range, r.Plain.Memory)));
                Task.WhenAll(reading).GetAwaiter().GetResult();
                foreach (var (range, plain) in read)
                {
                    var (from, to) = (Math.Max(offset, range.Offset), Math.Min(offset + length, range.Offset + range.Length));
                    copy(from - offset, plain.Memory[(int)(from - range.Offset)..(int)(to - range.Offset)]);
                }
            }
            finally
            {
                read.ForEach(r => r.Plain.Dispose()); // all reading has ended: WhenAll waits for those that do not fail too
            }
        }
    }

    /// <summary>The chunks that hold a stretch; none where it is empty.</summary>
    private IEnumerable<(ChunkRecord Record, ChunkRange Range)> Within(long offset, long length)
    {
        var (low, high) = (0, length == 0 ? 0 : _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].Range.Offset + _ranges[middle].Range.Length > offset)
                high = middle;
            else
                low = middle + 1;
        }

        return length == 0 ? [] : _ranges.Skip(low).TakeWhile(c => c.Range.Offset < offset + length);
    }

    private async Task ReadAsync(ChunkRecord record, ChunkRange range, Memory<byte> plain)
    {
        var outcomes = await _chunks.ReadAsync(_graph.FamiliesOf([record.Id]).First(), _ => plain, _cancel);
        if (outcomes[record.Id].Damage is { } damage)
            throw Damage.Describe(Manifest, range.Offset, range.Length, damage);
    }
}
