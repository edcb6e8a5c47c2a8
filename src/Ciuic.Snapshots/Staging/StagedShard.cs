using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A shard whose bytes lie in the staging arena; the live tensors are no longer needed.</summary>
public sealed class StagedShard
{
    /// <summary>
    /// Tensors are copied in pieces of this size: one may be larger than a span, and several cores share the work. Measured: one
    /// large call copies 12 GB/s, pieces of 4 MiB 8.
    /// </summary>
    private const int PieceBytes = 32 << 20;

    /// <summary>Threads that copy; memory has no more bandwidth for others.</summary>
    private static readonly int Copiers = Math.Min(4, Environment.ProcessorCount);

    private StagedShard(
        StagingArena arena, IReadOnlyList<ItemState> items, List<TensorRecord> tensors, List<ByteRecord> bytes, List<ChunkRange> chunks)
    {
        Arena = arena;
        Tensors = tensors;
        Bytes = bytes;
        Chunks = chunks;
        Layout = ChunkLayout.Of(tensors, bytes, chunks);
        Moved = MovedChunks.Of(items, tensors, Layout);
    }

    /// <summary>Where its bytes lie.</summary>
    public StagingArena Arena { get; }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<TensorRecord> Tensors { get; }

    /// <summary>The byte items behind them.</summary>
    public IReadOnlyList<ByteRecord> Bytes { get; }

    /// <summary>Where the shard is cut.</summary>
    public IReadOnlyList<ChunkRange> Chunks { get; }

    /// <summary>What each chunk holds, in the same order.</summary>
    public IReadOnlyList<ChunkLayout> Layout { get; }

    /// <summary>Chunks that an optimizer moved together, and how.</summary>
    public IReadOnlyList<MovedChunks> Moved { get; }

    /// <summary>Bytes of the whole shard.</summary>
    public long Length => Chunks.Sum(c => (long)c.Length);

    /// <summary>
    /// Copies everything into a buffer: the only part of a save that the trainer waits for.
    /// </summary>
    /// <exception cref="InvalidInputException">The state is larger than the buffers may become, or a name is used twice.</exception>
    public static StagedShard Stage(StagingBuffers buffers, IReadOnlyList<ItemState> items, int chunkBytes)
    {
        var (tensors, bytes, total) = LayOut(items);
        var arena = buffers.Take(Math.Max(1, total));
        Copy(arena, tensors.Zip(items.SelectMany(i => i.Tensors)));
        foreach (var (record, content) in bytes.Zip(items.SelectMany(i => i.Bytes)))
            content.Value.CopyTo(arena.Slice(record.Offset, content.Value.Length));
        var lengths = tensors.Select(t => t.Length).Concat(bytes.Select(b => b.Length));
        return new StagedShard(arena, items, tensors, bytes, ShardPlan.Cut(lengths, chunkBytes));
    }

    /// <summary>The plain bytes of one chunk.</summary>
    public Memory<byte> Content(ChunkRange chunk) => Arena.Slice(chunk.Offset, chunk.Length);

    private static (List<TensorRecord> Tensors, List<ByteRecord> Bytes, long Total) LayOut(
        IReadOnlyList<ItemState> items)
    {
        var at = 0L;
        var tensors = new List<TensorRecord>();
        foreach (var (item, tensor) in items.SelectMany(i => i.Tensors.Select(t => (i.Item, t))))
        {
            tensors.Add(new TensorRecord
            {
                Item = item,
                Name = tensor.Name,
                DType = tensor.DType,
                Shape = tensor.Shape,
                Offset = at,
                Length = tensor.Length,
            });
            at += tensor.Length;
        }

        var bytes = new List<ByteRecord>();
        foreach (var (item, part) in items.SelectMany(i => i.Bytes.Select(b => (i.Item, b))))
        {
            bytes.Add(new ByteRecord { Item = item, Name = part.Key, Offset = at, Length = part.Value.Length });
            at += part.Value.Length;
        }

        return (tensors, bytes, at);
    }

    private static void Copy(StagingArena arena, IEnumerable<(TensorRecord Record, TensorSource Source)> tensors)
    {
        var pieces = tensors.SelectMany(t => Pieces(t.Record, t.Source)).ToList();
        if (pieces.Sum(p => (long)p.Length) < PieceBytes)
            pieces.ForEach(p => p.Copy(arena)); // other threads would cost more than they bring
        else
            Parallel.ForEach(pieces, new ParallelOptions { MaxDegreeOfParallelism = Copiers }, p => p.Copy(arena));
    }

    private static IEnumerable<Piece> Pieces(TensorRecord record, TensorSource source)
    {
        for (var done = 0L; done < record.Length; done += PieceBytes)
            yield return new Piece(source, done, record.Offset + done, (int)Math.Min(PieceBytes, record.Length - done));
    }

    private readonly record struct Piece(TensorSource Source, long From, long To, int Length)
    {
        public void Copy(StagingArena arena) => Source.CopyTo(From, arena.Slice(To, Length).Span);
    }
}
