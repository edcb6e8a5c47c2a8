using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The bytes of a snapshot, from one shard or several; every one of them is checked before it is handed out.</summary>
public sealed class SnapshotContent
{
    /// <summary>Shards of which a chunk is kept for the next tensor in it: memory for a reader that has 64 MiB.</summary>
    private const int MaxShardsAtHand = 12;

    private readonly IReadOnlyList<ShardContent> _shards;

    private SnapshotContent(SnapshotIndex index, IReadOnlyList<ShardContent> shards, bool isInMemory) =>
        (Index, _shards, IsInMemory) = (index, shards, isInMemory);

    /// <summary>What there is.</summary>
    public SnapshotIndex Index { get; }

    /// <summary>Whether what is handed out lies in memory, checked; otherwise it is read, and checked, when it is asked for.</summary>
    public bool IsInMemory { get; }

    /// <summary>The reader's own shard, where it lies in memory.</summary>
    public LoadedShard? Own => Index.Own is { } own ? _shards[own] as LoadedShard : null;

    /// <summary>A snapshot of which nothing is read yet.</summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="index">What the snapshot holds.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends all reading.</param>
    public static SnapshotContent Open(ChunkStore chunks, SnapshotIndex index, int parallelism, CancellationToken cancel)
    {
        var recent = Recent(index, parallelism);
        return new(index, [.. index.Shards.Select(s => StreamedShard.Open(chunks, s, recent, parallelism, cancel))], isInMemory: false);
    }

    /// <summary>
    /// Reads and checks what is wanted, on all cores, and nothing else: into memory, or, where it is larger than there is, to be read
    /// again.
    /// </summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="index">What the snapshot holds.</param>
    /// <param name="boxOf">The elements that are wanted of a tensor; null where none are.</param>
    /// <param name="wantsBytes">Tells by the item and name of byte items.</param>
    /// <param name="buffers">Take the bytes.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, rank, tensor and chunk.</exception>
    public static async Task<SnapshotContent> LoadAsync(
        ChunkStore chunks,
        SnapshotIndex index,
        Func<SavedTensor, TensorBox?> boxOf,
        Func<string, string, bool> wantsBytes,
        StagingBuffers buffers,
        int parallelism,
        CancellationToken cancel)
    {
        var needed = index.Shards.Zip(index.StretchesOf(boxOf, wantsBytes), (shard, wanted) => shard.ChunksOf(wanted)).ToList();
        // One shard is laid out as it was staged, and the next one is compared with it; parts of several are put close together.
        var places = needed.Count == 1 ? [0L] : Starts(needed.Select(n => n.Sum(c => (long)c.Range.Length)));
        var bytes = needed.Count == 1 ? index.Shards[0].Length : places[^1];
        var arena = bytes > buffers.MaxBytes ? null : buffers.Take(Math.Max(1, bytes));
        var (shards, recent) = (new List<ShardContent>(), Recent(index, parallelism));
        for (var s = 0; s < needed.Count; s++)
        {
            shards.Add(arena is null
                ? await StreamedShard.CheckAsync(chunks, index.Shards[s], needed[s], recent, parallelism, cancel)
                : await LoadedShard.LoadAsync(
                    chunks, index.Shards[s], needed[s], arena, needed.Count == 1 ? null : places[s], parallelism, cancel));
        }

        return new SnapshotContent(index, shards, arena is not null);
    }

    /// <summary>Hands the bytes of a part of a tensor over in pieces: byte offset within the part, bytes.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="box">Which of its elements, row-major.</param>
    /// <param name="copy">Takes them.</param>
    /// <exception cref="CorruptException">They are damaged; never where all of them were checked before.</exception>
    public void Read(SavedTensor tensor, TensorBox box, Action<long, ReadOnlyMemory<byte>> copy)
    {
        foreach (var (shard, record) in tensor.Parts)
        {
            if (record.Box.IsSame(box))
                _shards[shard].Read(record.Offset, record.Length, copy);
            else if (record.Box.Intersect(box) is { } common)
                ReadRuns(_shards[shard], record, common, box, copy);
        }
    }

    /// <summary>Hands many whole tensors over in one pass over the chunks that hold them, in any order, from several threads.</summary>
    /// <exception cref="CorruptException">They are damaged; never where all of them were checked before.</exception>
    public async Task ReadAsync(IEnumerable<TensorRead> reads, CancellationToken cancel)
    {
        var whole = _shards.Select(_ => new List<ShardRead>()).ToArray();
        var scattered = new List<(ShardContent Shard, TensorRecord Record, TensorRead Read)>();
        foreach (var read in reads)
        {
            foreach (var (shard, record) in read.Tensor.Parts.Where(p => p.Record.Length > 0))
            {
                if (InOneRun(record, read) is { } copy)
                    whole[shard].Add(new ShardRead(record.Offset, record.Length, copy));
                else
                    scattered.Add((_shards[shard], record, read));
            }
        }

        for (var s = 0; s < whole.Length; s++)
            await _shards[s].ReadAsync(whole[s], cancel);
        // Columns of a matrix: their runs are walked along with the bytes, so those must come in order.
        foreach (var (shard, record, read) in scattered)
            ReadRuns(shard, record, record.Box, TensorBox.Whole(read.Tensor.Shape), read.Copy);
    }

    /// <summary>Makes sure of tensors and byte items: what was not read yet is read and checked, each chunk once.</summary>
    /// <exception cref="CorruptException">Some are damaged.</exception>
    public async Task CheckAsync(IEnumerable<SavedTensor> tensors, IEnumerable<SavedBytes> bytes, CancellationToken cancel)
    {
        var stretches = _shards.Select(_ => new List<ShardStretch>()).ToArray();
        foreach (var (shard, record) in tensors.SelectMany(t => t.Parts).Where(p => p.Record.Length > 0))
            stretches[shard].Add(new ShardStretch(record.Offset, record.Length));
        foreach (var (shard, record) in bytes.Where(b => b.Record.Length > 0))
            stretches[shard].Add(new ShardStretch(record.Offset, record.Length));
        for (var s = 0; s < stretches.Length; s++)
            await _shards[s].CheckAsync(stretches[s], cancel);
    }

    /// <summary>Takes a record that lies in its tensor as one stretch: whole, or some of its rows. Null where it does not.</summary>
    private static Action<long, ReadOnlyMemory<byte>>? InOneRun(TensorRecord record, TensorRead read)
    {
        if (record.GlobalShape is null)
            return read.Copy;
        var first = record.Box.RunsTo(TensorBox.Whole(read.Tensor.Shape)).First();
        var size = record.DType.Size();
        if (first.Count * size != record.Length)
            return null;
        return (at, bytes) => read.Copy(first.To * size + at, bytes);
    }

    /// <summary>A copy of a byte item.</summary>
    /// <exception cref="CorruptException">Likewise.</exception>
    public byte[] Read(SavedBytes bytes)
    {
        var content = new byte[bytes.Record.Length];
        _shards[bytes.Shard].Read(bytes.Record.Offset, content.Length, (at, piece) => piece.CopyTo(content.AsMemory((int)at)));
        return content;
    }

    /// <summary>Reads from the first wanted element to the last, once, and picks the wanted ones out of what comes.</summary>
    private static void ReadRuns(
        ShardContent shard, TensorRecord record, TensorBox common, TensorBox box, Action<long, ReadOnlyMemory<byte>> copy)
    {
        var size = record.DType.Size();
        var (first, last) = record.Box.StretchOf(common);
        using var runs = record.Box.RunsTo(box).GetEnumerator();
        var isMore = runs.MoveNext();
        shard.Read(record.Offset + first * size, (last - first) * size, (at, bytes) =>
        {
            var (begin, end) = (first * size + at, first * size + at + bytes.Length);
            while (isMore && runs.Current.From * size < end)
            {
                var (runBegin, runEnd) = (runs.Current.From * size, (runs.Current.From + runs.Current.Count) * size);
                var (from, to) = (Math.Max(runBegin, begin), Math.Min(runEnd, end));
                copy(runs.Current.To * size + from - runBegin, bytes[(int)(from - begin)..(int)(to - begin)]);
                if (runEnd > end)
                    return; // goes on in the next piece
                isMore = runs.MoveNext();
            }
        });
    }

    /// <summary>
    /// One behind the other as they were saved, tensors of several ranks lie now in this shard, now in that one: each goes on where it was.
    /// </summary>
    private static RecentChunks Recent(SnapshotIndex index, int parallelism) =>
        new(parallelism + 1 + Math.Min(index.Shards.Count, MaxShardsAtHand));

    private static List<long> Starts(IEnumerable<long> lengths)
    {
        var starts = new List<long> { 0 };
        foreach (var length in lengths)
            starts.Add(starts[^1] + length);
        return starts;
    }
}
