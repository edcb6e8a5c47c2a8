using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A tensor of a snapshot, however many ranks have saved parts of it.</summary>
/// <param name="Item">Its item.</param>
/// <param name="Name">Its name within the item.</param>
/// <param name="DType">Element type.</param>
/// <param name="Shape">Extent of the whole tensor per dimension.</param>
/// <param name="Parts">Where its elements lie: one part, or slices that cover it.</param>
public sealed record SavedTensor(string Item, string Name, DType DType, IReadOnlyList<long> Shape, IReadOnlyList<TensorPart> Parts)
{
    /// <summary>Bytes of the whole tensor.</summary>
    public long Length => DType.ByteLength(Shape)!.Value;
}

/// <summary>A tensor's elements in one shard.</summary>
/// <param name="Shard">The rank whose shard it is.</param>
/// <param name="Record">Where they lie in it.</param>
public readonly record struct TensorPart(int Shard, TensorRecord Record);

/// <summary>A byte item of a snapshot.</summary>
/// <param name="Shard">The rank whose shard it is in.</param>
/// <param name="Record">Where it lies in it.</param>
public sealed record SavedBytes(int Shard, ByteRecord Record);

/// <summary>
/// What the shards of a snapshot hold together, as one rank sees it: of what every rank has saved for itself it sees its own, or
/// that of the first rank where it was not there. The tensors of an item are in the order in which they were saved, whoever reads:
/// ranks work through a state dictionary together, and another order on one of them gives it another one's tensors.
/// </summary>
public sealed class SnapshotIndex
{
    private readonly List<SavedTensor> _tensors;
    private readonly Dictionary<(string, string), SavedBytes> _bytes = [];
    private readonly List<(string Item, string Name)> _parts;

    /// <param name="shards">All shards, by rank.</param>
    /// <param name="reader">The rank that reads; null for somebody who is none.</param>
    public SnapshotIndex(IReadOnlyList<ShardManifest> shards, Rank? reader)
    {
        Shards = shards;
        Own = reader is { } rank && rank.Value < shards.Count ? rank.Value : null;
        var (found, seen) = (new Dictionary<(string, string), List<TensorPart>>(), new HashSet<string>());
        foreach (var shard in Enumerable.Range(0, shards.Count).OrderByDescending(s => s == Own))
        {
            foreach (var tensor in shards[shard].Tensors)
                Add(found, seen, new TensorPart(shard, tensor));
            foreach (var bytes in shards[shard].Bytes)
                _bytes.TryAdd((bytes.Item, bytes.Name), new SavedBytes(shard, bytes));
        }

        _tensors = [.. SavedOrder.Of(shards, found.Values).Select(Whole)];
        _parts = [.. _tensors.Select(t => (t.Item, t.Name)), .. shards.SelectMany(s => s.Bytes.Select(b => (b.Item, b.Name))).Distinct()];
    }

    /// <summary>All shards, by rank.</summary>
    public IReadOnlyList<ShardManifest> Shards { get; }

    /// <summary>The reader's own shard; null where it has none.</summary>
    public int? Own { get; }

    /// <summary>The tensors.</summary>
    public IEnumerable<SavedTensor> Tensors => _tensors;

    /// <summary>The byte items.</summary>
    public IEnumerable<SavedBytes> Bytes => _bytes.Values;

    /// <summary>Item and name of everything.</summary>
    public IReadOnlyList<(string Item, string Name)> Parts => _parts;

    /// <summary>The stretches of each shard that hold what is wanted.</summary>
    /// <param name="boxOf">The elements that are wanted of a tensor; null where none are.</param>
    /// <param name="wantsBytes">Tells by the item and name of byte items.</param>
    internal List<ShardStretch>[] StretchesOf(Func<SavedTensor, TensorBox?> boxOf, Func<string, string, bool> wantsBytes)
    {
        var stretches = Shards.Select(_ => new List<ShardStretch>()).ToArray();
        foreach (var tensor in Tensors)
        {
            if (boxOf(tensor) is not { } box)
                continue;
            foreach (var (shard, record) in tensor.Parts)
            {
                if (record.Box.Intersect(box) is not { } common)
                    continue;
                var (begin, end) = record.Box.StretchOf(common);
                var size = record.DType.Size();
                stretches[shard].Add(new ShardStretch(record.Offset + begin * size, (end - begin) * size));
            }
        }

        foreach (var (shard, record) in Bytes.Where(b => b.Record.Length > 0 && wantsBytes(b.Record.Item, b.Record.Name)))
            stretches[shard].Add(new ShardStretch(record.Offset, record.Length));
        foreach (var some in stretches)
            some.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        return stretches;
    }

    /// <summary>Takes a part, unless it is a replica of one, or of a tensor that the reader has whole.</summary>
    private static void Add(Dictionary<(string, string), List<TensorPart>> found, HashSet<string> seen, TensorPart part)
    {
        var record = part.Record;
        var key = (record.Item, record.Name);
        if (!found.TryGetValue(key, out var parts))
        {
            found[key] = parts = [];
        }
        else if (record.GlobalShape is null)
        {
            return;
        }

        // A whole tensor has one part; what slices there are is told by their boxes.
        if (record.GlobalShape is null || seen.Add($"{record.Item}\0{record.Name}\0{string.Join(' ', record.Box.Offset)}\0{string.Join(' ', record.Shape)}"))
            parts.Add(part);
    }

    private static SavedTensor Whole(List<TensorPart> parts)
    {
        var first = parts[0].Record;
        return new SavedTensor(first.Item, first.Name, first.DType, first.WholeShape, parts);
    }
}

/// <summary>Some bytes of a shard.</summary>
/// <param name="Offset">The first one.</param>
/// <param name="Length">How many.</param>
internal readonly record struct ShardStretch(long Offset, long Length);
