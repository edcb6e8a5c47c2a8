using Ciuic.Client;
using Ciuic.Snapshots;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>Named tensors that are there in full before and after: the parameters and buffers of a module.</summary>
internal sealed class TrackedTensors(string item, Func<IEnumerable<(string Name, torch.Tensor Tensor)>> tensors)
    : ITrackedState
{
    public string Item => item;

    /// <summary>Parameters and buffers of a module, those that are not persistent in PyTorch's sense too.</summary>
    public static TrackedTensors Of(string item, torch.nn.Module module) => new(item, () => module
        .named_parameters()
        .Select(p => (p.name, (torch.Tensor)p.parameter))
        .Concat(module.named_buffers().Select(b => (b.name, b.buffer))));

    public ItemState Capture()
    {
        var sources = Live().Select(pair => new TorchTensorSource(pair.Key, pair.Value)).ToList();
        return new ItemState(item, sources, [], []);
    }

    public IReadOnlyList<string> Compare(SavedItem saved)
    {
        var live = Live();
        var missing = live.Keys.Except(saved.Tensors.Keys).Select(n => $"{item}/{n}: live, but not in the snapshot");
        var unknown = saved.Tensors.Keys.Except(live.Keys).Select(n => $"{item}/{n}: in the snapshot, but not live");
        var different = live
            .Where(pair => saved.Tensors.ContainsKey(pair.Key))
            .Select(pair => TensorBytes.Mismatch(item, saved.Tensors[pair.Key], pair.Value))
            .OfType<string>();
        return [.. missing, .. unknown, .. different];
    }

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        foreach (var (name, tensor) in Live())
            TensorBytes.Restore(saved, name, tensor);
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
