using System.Collections.Concurrent;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>What an upload noticed of the state itself.</summary>
/// <param name="NonFinite">Tensors, <c>item/name</c>, that hold a NaN or an infinity, in the order of the shard; empty where nobody looked.</param>
/// <param name="Unchanged">Items all of whose tensors are, to the bit, what they were in the snapshot before.</param>
public sealed record StateHealth(IReadOnlyList<string> NonFinite, IReadOnlyList<string> Unchanged);

/// <summary>Looks at the chunks of one shard while they are at hand. Thread-safe.</summary>
internal sealed class HealthScan(StagingPlan plan, bool looksForNonFinite)
{
    private readonly ConcurrentDictionary<int, bool> _nonFinite = [];
    private readonly bool[] _unchanged = new bool[plan.Chunks.Count];

    /// <summary>Looks at a chunk.</summary>
    public void Look(StagedShard window, int chunk, bool isUnchanged)
    {
        _unchanged[chunk] = isUnchanged;
        if (!looksForNonFinite)
            return;
        var range = plan.Chunks[chunk];
        var plain = window.Content(range).Span;
        for (var i = First(range.Offset); i < plan.Tensors.Count && plan.Tensors[i].Offset < range.Offset + range.Length; i++)
        {
            if (!_nonFinite.ContainsKey(i) && NonFinite.IsIn(Part(plain, range, plan.Tensors[i]), plan.Tensors[i].DType))
                _nonFinite[i] = true;
        }
    }

    /// <summary>What was noticed, once every chunk was looked at.</summary>
    public StateHealth Result() => new(
        _nonFinite.Keys.Order().Select(i => $"{plan.Tensors[i].Item}/{plan.Tensors[i].Name}").ToList(),
        plan.Tensors.Where(t => t.Length > 0).GroupBy(t => t.Item).Where(item => item.All(IsUnchanged)).Select(item => item.Key).ToList());

    private bool IsUnchanged(TensorRecord tensor)
    {
        for (var i = FirstChunk(tensor.Offset); i < plan.Chunks.Count && plan.Chunks[i].Offset < tensor.Offset + tensor.Length; i++)
        {
            if (!_unchanged[i])
                return false;
        }

        return true;
    }

    /// <summary>The numbers of a tensor that lie wholly in a chunk.</summary>
    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> plain, ChunkRange range, TensorRecord tensor)
    {
        var size = tensor.DType.Size();
        var begin = Math.Max(0, range.Offset - tensor.Offset);
        begin = (begin + size - 1) / size * size;
        var end = Math.Min(tensor.Length, range.Offset + range.Length - tensor.Offset) / size * size;
        return end <= begin ? [] : plain.Slice((int)(tensor.Offset + begin - range.Offset), (int)(end - begin));
    }

    /// <summary>The first tensor that ends behind an offset.</summary>
    private int First(long offset) => Search(plan.Tensors.Count, i => plan.Tensors[i].Offset + plan.Tensors[i].Length > offset);

    private int FirstChunk(long offset) => Search(plan.Chunks.Count, i => plan.Chunks[i].Offset + plan.Chunks[i].Length > offset);

    private static int Search(int count, Func<int, bool> isReached)
    {
        var (low, high) = (0, count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (isReached(middle))
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }
}
