using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>How a shard will lie in memory and be cut, before anything is copied.</summary>
public sealed class StagingPlan
{
    /// <summary>A window begins where every type of element may begin: the largest has this many bytes.</summary>
    private const int Alignment = 16;

    private readonly IReadOnlyList<ItemState> _items;

    private StagingPlan(IReadOnlyList<ItemState> items, int chunkBytes)
    {
        _items = items;
        (Tensors, Bytes) = LayOut(items);
        Chunks = ShardPlan.Cut(Tensors.Select(t => t.Length).Concat(Bytes.Select(b => b.Length)), chunkBytes);
        Layout = ChunkLayout.Of(Tensors, Bytes, Chunks);
        Moved = MovedChunks.Of(items, Tensors, Layout);
        Length = Chunks.Sum(c => (long)c.Length);
    }

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
    public long Length { get; }

    /// <summary>Plans a shard of these items.</summary>
    /// <param name="items">Valid until the trainer's next step.</param>
    /// <param name="chunkBytes">Plain bytes of a full chunk.</param>
    public static StagingPlan Of(IReadOnlyList<ItemState> items, int chunkBytes) => new(items, chunkBytes);

    /// <summary>The live tensors and their places.</summary>
    internal IEnumerable<(TensorRecord Record, TensorSource Source)> Sources => Tensors.Zip(_items.SelectMany(i => i.Tensors));

    /// <summary>The byte items and their places.</summary>
    internal IEnumerable<(ByteRecord Record, byte[] Content)> Contents =>
        Bytes.Zip(_items.SelectMany(i => i.Bytes), (record, part) => (record, part.Value));

    /// <summary>Cuts the shard into stretches of whole chunks that fit into so much memory, for one that is larger than all there is.</summary>
    /// <exception cref="InvalidInputException">One chunk is larger, or no chunk ends where a window may.</exception>
    public List<StagingWindow> Windows(long maxBytes)
    {
        var windows = new List<StagingWindow>();
        var (first, end) = (0, 0); // chunks of the window that grows; up to where it may end
        for (var i = 0; i < Chunks.Count; i++)
        {
            while (Chunks[i].Offset + Chunks[i].Length - Chunks[first].Offset > maxBytes)
            {
                Add(first, end);
                first = end;
            }

            if (MayEndAt(i))
                end = i + 1;
        }

        Add(first, Chunks.Count);
        return windows;

        void Add(int from, int to)
        {
            if (to == from || Chunks[to - 1].Offset + Chunks[to - 1].Length - Chunks[from].Offset > maxBytes)
            {
                throw new InvalidInputException(
                    $"Of a state of {Length} bytes no part fits into {maxBytes} bytes of staging memory: raise Ciuic:Save:MaxStagingBytes, "
                    + $"or make Ciuic:Save:ChunkBytes a smaller multiple of {Alignment}.");
            }

            windows.Add(new StagingWindow(from, to - from));
        }
    }

    private bool MayEndAt(int chunk)
    {
        var place = Layout[chunk].Place;
        return chunk + 1 == Chunks.Count
            || Layout[chunk + 1].Place is { Within: 0 }
            || (place.Within + place.Length) % Alignment == 0;
    }

    private static (List<TensorRecord> Tensors, List<ByteRecord> Bytes) LayOut(IReadOnlyList<ItemState> items)
    {
        var at = 0L;
        var tensors = new List<TensorRecord>();
        foreach (var (item, tensor, order) in items.SelectMany(i => i.Tensors.Select((t, at) => (i.Item, t, i.Places?[at]))))
        {
            tensors.Add(new TensorRecord
            {
                Item = item,
                Name = tensor.Name,
                DType = tensor.DType,
                Shape = tensor.Shape,
                GlobalShape = tensor.Slice?.WholeShape,
                GlobalOffset = tensor.Slice?.Box.Offset,
                Offset = at,
                Length = tensor.Length,
                Order = order,
            });
            at += tensor.Length;
        }

        var bytes = new List<ByteRecord>();
        foreach (var (item, part) in items.SelectMany(i => i.Bytes.Select(b => (i.Item, b))))
        {
            bytes.Add(new ByteRecord { Item = item, Name = part.Key, Offset = at, Length = part.Value.Length });
            at += part.Value.Length;
        }

        return (tensors, bytes);
    }
}

/// <summary>Some of a shard's chunks, one after the other.</summary>
/// <param name="First">Index of the first.</param>
/// <param name="Count">How many, 1 or more; 0 only of a shard without chunks.</param>
public readonly record struct StagingWindow(int First, int Count);
