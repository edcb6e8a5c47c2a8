using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>One item of a snapshot, read and checked to the last byte.</summary>
public sealed class SavedItem
{
    private readonly ShardContent _shard;
    private readonly Dictionary<string, TensorRecord> _tensors;
    private readonly Dictionary<string, ByteRecord> _bytes;

    internal SavedItem(ShardContent shard, string item)
    {
        _shard = shard;
        Item = item;
        _tensors = shard.Manifest.Tensors.Where(t => t.Item == item).ToDictionary(t => t.Name);
        _bytes = shard.Manifest.Bytes.Where(b => b.Item == item).ToDictionary(b => b.Name);
    }

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
