using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>A snapshot whose bytes can be read.</summary>
/// <param name="Items">What it holds.</param>
/// <param name="Opened">What must be closed afterwards; null where it belongs to a run.</param>
internal sealed record Source(IReadOnlyList<SavedItem> Items, IDisposable? Opened)
{
    public SavedItemView[] View() =>
    [
        .. Items.Select(i => new SavedItemView(
            i.Item,
            [.. i.Tensors.Values.Select(t => new SavedTensorView(t.Name, t.DType.Name(), [.. t.Shape], t.Length))],
            [.. i.ByteNames])),
    ];

    /// <summary>Copies a tensor into the caller's memory.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor, or it has another length.</exception>
    public unsafe void Copy(ReadTarget target)
    {
        var item = Item(target.Item);
        if (!item.Tensors.TryGetValue(target.Name, out var tensor) || tensor.Length != target.Length)
            throw new InvalidInputException($"{target.Item}/{target.Name} has no {target.Length} bytes in this snapshot.");
        item.ReadTensor(target.Name, (offset, bytes) =>
            bytes.Span.CopyTo(new Span<byte>((byte*)target.Address + offset, bytes.Length)));
    }

    /// <exception cref="NotFoundException">There is no such byte item.</exception>
    public byte[] Read(string item, string name) =>
        Item(item).TryReadBytes(name) ?? throw new NotFoundException($"{item}/{name} is not in this snapshot.");

    /// <summary>Reads every byte, which checks it.</summary>
    public void Check()
    {
        foreach (var item in Items)
        {
            foreach (var name in item.Tensors.Keys)
                item.ReadTensor(name, (_, _) => { });
            foreach (var name in item.ByteNames)
                item.TryReadBytes(name);
        }
    }

    private SavedItem Item(string name) => Items.FirstOrDefault(i => i.Item == name)
        ?? throw new NotFoundException($"There is no item '{name}' in this snapshot; it has {string.Join(", ", Items.Select(i => i.Item))}.");
}
