using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>A snapshot whose bytes can be read.</summary>
/// <param name="Items">What it holds.</param>
/// <param name="Opened">What must be closed afterwards; null where it belongs to a run.</param>
/// <param name="Resumed">The run that was resumed from it, in whose staging memory it lies unless it is too large for that; null where there is none.</param>
internal sealed record Source(IReadOnlyList<SavedItem> Items, IDisposable? Opened, OpenRun? Resumed)
{
    public SavedItemView[] View() =>
    [
        .. Items.Select(i => new SavedItemView(
            i.Item,
            [.. i.Tensors.Values.Select(t => new SavedTensorView(t.Name, t.DType.Name(), [.. t.Shape], t.Length))],
            [.. i.ByteNames])),
    ];

    /// <summary>Copies tensors into the caller's memory, in one pass over what holds them.</summary>
    /// <exception cref="InvalidInputException">There is no such tensor, or it has another length.</exception>
    public Task CopyAsync(IEnumerable<ReadTarget> targets) => AloneAsync(async () =>
    {
        foreach (var some in targets.GroupBy(t => t.Item))
        {
            var item = Item(some.Key);
            await item.ReadTensorsAsync([.. some.Select(t => KeyValuePair.Create(t.Name, CopyTo(item, t)))]);
        }

        return true;
    });

    private static unsafe Action<long, ReadOnlyMemory<byte>> CopyTo(SavedItem item, ReadTarget target) =>
        item.Tensors.TryGetValue(target.Name, out var tensor) && tensor.Length == target.Length
            ? (offset, bytes) => bytes.Span.CopyTo(new Span<byte>((byte*)target.Address + offset, bytes.Length))
            : throw new InvalidInputException($"{target.Item}/{target.Name} has no {target.Length} bytes in this snapshot.");

    /// <exception cref="NotFoundException">There is no such byte item.</exception>
    public Task<byte[]> ReadAsync(string item, string name) => AloneAsync(() => Task.FromResult(
        Item(item).TryReadBytes(name) ?? throw new NotFoundException($"{item}/{name} is not in this snapshot.")));

    /// <summary>Reads every byte, which checks it.</summary>
    public Task CheckAsync() => AloneAsync(async () =>
    {
        await SavedItem.CheckAsync(Items);
        return true;
    });

    private Task<T> AloneAsync<T>(Func<Task<T>> read) =>
        Resumed is null || !Items.Any(i => i.IsInMemory) ? read() : Resumed.ReadAsync(read);

    private SavedItem Item(string name) => Items.FirstOrDefault(i => i.Item == name)
        ?? throw new NotFoundException($"There is no item '{name}' in this snapshot; it has {string.Join(", ", Items.Select(i => i.Item))}.");
}
