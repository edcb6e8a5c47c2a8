using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>One item of a snapshot, or a part of one; what it hands out was checked to the last byte.</summary>
public sealed class SavedItem
{
    private readonly ShardContent _shard;
    private readonly Dictionary<string, TensorRecord> _tensors;
    private readonly Dictionary<string, ByteRecord> _bytes;

    private SavedItem(ShardContent shard, string item, Func<string, string, bool> isShown)
    {
        _shard = shard;
        Item = item;
        _tensors = shard.Manifest.Tensors.Where(t => t.Item == item && isShown(item, t.Name)).ToDictionary(t => t.Name);
        _bytes = shard.Manifest.Bytes.Where(b => b.Item == item && isShown(item, b.Name)).ToDictionary(b => b.Name);
    }

    /// <summary>The items of a shard.</summary>
    /// <param name="shard">Gives their bytes.</param>
    /// <param name="isShown">Tells by item and name what can be read; an item of which nothing can is left out.</param>
    internal static List<SavedItem> Of(ShardContent shard, Func<string, string, bool> isShown) => shard.Manifest.Parts
        .Where(p => isShown(p.Item, p.Name))
        .Select(p => p.Item)
        .Distinct()
        .Select(item => new SavedItem(shard, item, isShown))
        .ToList();

    /// <summary>The item's name.</summary>
    public string Item { get; }

    /// <summary>Its tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorRecord> Tensors => _tensors;

    /// <summary>Names of its byte items.</summary>
    public IReadOnlyCollection<string> ByteNames => _bytes.Keys;

    /// <summary>Number of tensors and byte items.</summary>
    public int Count => _tensors.Count + _bytes.Count;

    /// <summary>Hands a tensor's bytes over in pieces: offset within the tensor, bytes.</summary>
    public void ReadTensor(string name, Action<long, ReadOnlyMemory<byte>> copy) => _shard.Read(_tensors[name], copy);

    /// <summary>A copy of a byte item, or null where there is none.</summary>
    public byte[]? TryReadBytes(string name) => _bytes.TryGetValue(name, out var record) ? _shard.Read(record) : null;
}
