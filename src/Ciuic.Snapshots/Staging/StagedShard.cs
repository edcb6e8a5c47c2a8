using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A shard whose bytes lie in the staging arena; the live tensors are no longer needed.</summary>
public sealed class StagedShard
{
    /// <summary>Tensors are copied in pieces of this size, so that one may be larger than a span.</summary>
    private const int PieceBytes = 256 << 20;

    private StagedShard(
        StagingArena arena, List<TensorRecord> tensors, List<ByteRecord> bytes, List<ChunkRange> chunks)
    {
        Arena = arena;
        Tensors = tensors;
        Bytes = bytes;
        Chunks = chunks;
        Layout = ChunkLayout.Of(tensors, bytes, chunks);
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
        var sources = items.SelectMany(i => i.Tensors);
        foreach (var (record, source) in tensors.Zip(sources))
            Copy(arena, record, source);
        foreach (var (record, content) in bytes.Zip(items.SelectMany(i => i.Bytes)))
            content.Value.CopyTo(arena.Slice(record.Offset, content.Value.Length));
        var lengths = tensors.Select(t => t.Length).Concat(bytes.Select(b => b.Length));
        return new StagedShard(arena, tensors, bytes, ShardPlan.Cut(lengths, chunkBytes));
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

    private static void Copy(StagingArena arena, TensorRecord record, TensorSource source)
    {
        for (var done = 0L; done < record.Length; done += PieceBytes)
        {
            var piece = (int)Math.Min(PieceBytes, record.Length - done);
            source.CopyTo(done, arena.Slice(record.Offset + done, piece).Span);
        }
    }
}
