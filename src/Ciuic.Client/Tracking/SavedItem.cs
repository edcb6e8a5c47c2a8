using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>One item of a snapshot, or a part of one; what it hands out was checked to the last byte.</summary>
public sealed class SavedItem
{
    private readonly SnapshotContent _content;
    private readonly Dictionary<string, SavedTensor> _tensors;
    private readonly Dictionary<string, SavedBytes> _bytes;

    private SavedItem(SnapshotContent content, string item, Func<string, string, bool> isShown)
    {
        _content = content;
        Item = item;
        _tensors = content.Index.Tensors.Where(t => t.Item == item && isShown(item, t.Name)).ToDictionary(t => t.Name);
        _bytes = content.Index.Bytes.Where(b => b.Record.Item == item && isShown(item, b.Record.Name)).ToDictionary(b => b.Record.Name);
    }

    /// <summary>The items of a snapshot.</summary>
    /// <param name="content">Gives their bytes.</param>
    /// <param name="isShown">Tells by item and name what can be read; an item of which nothing can is left out.</param>
    internal static List<SavedItem> Of(SnapshotContent content, Func<string, string, bool> isShown) => content.Index.Parts
        .Where(p => isShown(p.Item, p.Name))
        .Select(p => p.Item)
        .Distinct()
        .Select(item => new SavedItem(content, item, isShown))
        .ToList();

    /// <summary>The item's name.</summary>
    public string Item { get; }

    /// <summary>Its tensors by name, whole, however many ranks have saved parts of them.</summary>
    public IReadOnlyDictionary<string, SavedTensor> Tensors => _tensors;

    /// <summary>Names of its byte items.</summary>
    public IReadOnlyCollection<string> ByteNames => _bytes.Keys;

    /// <summary>Number of tensors and byte items.</summary>
    public int Count => _tensors.Count + _bytes.Count;

    /// <summary>Whether its bytes were saved by the rank that reads them; otherwise they are those of the first rank that has some.</summary>
    internal bool HasOwnBytes => _bytes.Values.All(b => b.Shard == _content.Index.Own);

    /// <summary>Hands a tensor's bytes over in pieces: offset within the tensor, bytes.</summary>
    public void ReadTensor(string name, Action<long, ReadOnlyMemory<byte>> copy) => ReadTensor(name, null, copy);

    /// <summary>Hands a part of a tensor over in pieces: offset within the part, bytes.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="slice">The part; null for all of it.</param>
    /// <param name="copy">Takes them.</param>
    /// <exception cref="InvalidInputException">The part is one of a tensor of another shape.</exception>
    public void ReadTensor(string name, TensorSlice? slice, Action<long, ReadOnlyMemory<byte>> copy)
    {
        var tensor = _tensors[name];
        if (slice is not null && !slice.WholeShape.SequenceEqual(tensor.Shape))
        {
            throw new InvalidInputException(
                $"{Item}/{name} was saved as [{string.Join(", ", tensor.Shape)}]; a part of a tensor of [{string.Join(", ", slice.WholeShape)}] "
                + "cannot be read from it.");
        }

        _content.Read(tensor, slice?.Box ?? TensorBox.Whole(tensor.Shape), copy);
    }

    /// <summary>
    /// Hands many tensors over in one pass, each chunk of the snapshot read once: for thousands of small tensors this is hundreds of
    /// times faster than one after the other.
    /// </summary>
    /// <param name="copies">
    /// By the tensor's name what takes its bytes in pieces, offset within the tensor and bytes: in any order, and from several threads
    /// at once.
    /// </param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="NotFoundException">There is no tensor of one of the names.</exception>
    /// <exception cref="CorruptException">A tensor is damaged.</exception>
    public Task ReadTensorsAsync(
        IEnumerable<KeyValuePair<string, Action<long, ReadOnlyMemory<byte>>>> copies, CancellationToken cancel = default) =>
        _content.ReadAsync(
            copies.Select(c => new TensorRead(
                _tensors.GetValueOrDefault(c.Key) ?? throw new NotFoundException($"There is no tensor '{c.Key}' in {Item}."), c.Value)),
            cancel);

    /// <summary>Whether its bytes lie in this process' staging memory; otherwise they are read from the bucket when they are asked for.</summary>
    public bool IsInMemory => _content.IsInMemory;

    /// <summary>Makes sure of all of it: what was not read yet is read and checked.</summary>
    /// <param name="items">Items of one snapshot.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">Something is damaged.</exception>
    public static async Task CheckAsync(IEnumerable<SavedItem> items, CancellationToken cancel = default)
    {
        // Of one snapshot all at once: a weight's chunks may need those of its moments.
        foreach (var some in items.GroupBy(i => i._content))
            await some.Key.CheckAsync(some.SelectMany(i => i._tensors.Values), some.SelectMany(i => i._bytes.Values), cancel);
    }

    /// <summary>A copy of a byte item, or null where there is none.</summary>
    public byte[]? TryReadBytes(string name) => _bytes.TryGetValue(name, out var bytes) ? _content.Read(bytes) : null;
}
