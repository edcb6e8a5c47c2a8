using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>Named tensors that are there in full before and after: the parameters and buffers of a module.</summary>
internal sealed class TrackedTensors(
    string item,
    Func<IEnumerable<(string Name, torch.Tensor Tensor)>> tensors,
    TensorSlices? slices = null,
    Func<IEnumerable<string>>? buffers = null) : ITrackedState
{
    private readonly TensorSlices _slices = slices ?? TensorSlices.None;

    public string Item => item;

    /// <summary>
    /// Parameters and buffers of a module, those that are not persistent in PyTorch's sense too. Of several ranks the first one's buffers
    /// are saved: running statistics are each rank's own while it trains.
    /// </summary>
    public static TrackedTensors Of(string item, torch.nn.Module module, TensorSlices? slices = null) => new(item, () => module
        .named_parameters()
        .Select(p => (p.name, (torch.Tensor)p.parameter))
        .Concat(module.named_buffers().Select(b => (b.name, b.buffer))), slices, () => module.named_buffers().Select(b => b.name));

    public ItemState Capture()
    {
        var ofFirstRank = buffers?.Invoke().ToHashSet() ?? [];
        var sources = Live()
            .Select(pair => new TorchTensorSource(pair.Key, pair.Value, _slices.Of(pair.Value), ofFirstRank.Contains(pair.Key)))
            .ToList();
        return new ItemState(item, sources, [], []);
    }

    public TensorSlice? SliceOf(string name) => Live().TryGetValue(name, out var tensor) ? _slices.Of(tensor) : null;

    public IReadOnlyList<string> Compare(SavedItem saved)
    {
        var live = Live();
        var missing = live.Keys.Except(saved.Tensors.Keys).Select(n => $"{item}/{n}: live, but not in the snapshot");
        var unknown = saved.Tensors.Keys.Except(live.Keys).Select(n => $"{item}/{n}: in the snapshot, but not live");
        var different = live
            .Where(pair => saved.Tensors.ContainsKey(pair.Key))
            .Select(pair => TensorBytes.Mismatch(saved.Tensors[pair.Key], _slices.Of(pair.Value), pair.Value))
            .OfType<string>();
        return [.. missing, .. unknown, .. different];
    }

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        foreach (var (name, tensor) in Live())
            TensorBytes.Restore(saved, name, _slices.Of(tensor), tensor);
        return [];
    }

    private Dictionary<string, torch.Tensor> Live()
    {
        var live = new Dictionary<string, torch.Tensor>();
        foreach (var (name, tensor) in tensors())
            live[name] = tensor;
        return live;
    }
}
