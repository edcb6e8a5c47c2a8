using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// A shard that is larger than the staging memory: all that is wanted of it is read and checked once, and read and checked again
/// when it is handed out, a chunk at a time. Costs twice the time, and no memory for the state.
/// </summary>
public sealed class StreamedShard : ShardContent
{
    private readonly ChunkStore _chunks;
    private readonly ChunkGraph _graph;
    private readonly CancellationToken _cancel;

    private StreamedShard(ChunkStore chunks, ShardManifest manifest, CancellationToken cancel)
        : base(manifest) => (_chunks, _graph, _cancel) = (chunks, new ChunkGraph(manifest), cancel);

    /// <summary>Checks the chunks that hold the wanted items, on all cores.</summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="wanted">Tells by item and name what will be read.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the checking, and the reading later.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, tensor and chunk.</exception>
    public static async Task<StreamedShard> CheckAsync(
        ChunkStore chunks, ShardManifest shard, Func<string, string, bool> wanted, int parallelism, CancellationToken cancel)
    {
        var places = shard.ChunksOf(wanted).ToLookup(n => n.Record.Id, n => n.Range);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        await Parallel.ForEachAsync(new ChunkGraph(shard).FamiliesOf(places.Select(p => p.Key)), options, async (family, stop) =>
        {
            foreach (var (id, outcome) in await chunks.CheckAsync(family, stop))
            {
                if (outcome.Damage is { } damage)
                    throw Damage.Describe(shard, places[id].First().Offset, places[id].First().Length, damage);
            }
        });
        return new StreamedShard(chunks, shard, cancel);
    }

    /// <inheritdoc/>
    public override void Read(TensorRecord tensor, Action<long, ReadOnlyMemory<byte>> copy) =>
        Read(tensor.Offset, tensor.Length, copy);

    /// <inheritdoc/>
    public override byte[] Read(ByteRecord item)
    {
        var content = new byte[item.Length];
        Read(item.Offset, item.Length, (at, bytes) => bytes.CopyTo(content.AsMemory((int)at)));
        return content;
    }

    private void Read(long offset, long length, Action<long, ReadOnlyMemory<byte>> copy)
    {
        foreach (var (record, range) in Manifest.ChunksWithin(offset, length))
        {
            var (from, to) = (Math.Max(offset, range.Offset), Math.Min(offset + length, range.Offset + range.Length));
            using var plain = new RentedBytes(range.Length);
            // The one who restores is no task: it writes into live tensors, on the thread that owns them.
            ReadAsync(record, range, plain.Memory).GetAwaiter().GetResult();
            copy(from - offset, plain.Memory[(int)(from - range.Offset)..(int)(to - range.Offset)]);
        }
    }

    private async Task ReadAsync(ChunkRecord record, ChunkRange range, Memory<byte> plain)
    {
        var outcomes = await _chunks.ReadAsync(_graph.FamiliesOf([record.Id])[0], _ => plain, _cancel).ConfigureAwait(false);
        if (outcomes[record.Id].Damage is { } damage)
            throw Damage.Describe(Manifest, range.Offset, range.Length, damage);
    }
}
