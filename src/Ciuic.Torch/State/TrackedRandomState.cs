using Ciuic.Client;
using Ciuic.Snapshots;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>
/// The default CPU generator (what dropout and initialisation draw from) and generators of the program's own.
/// TorchSharp gives no access to the default generators of GPUs: where there are some, they are reported as skipped.
/// </summary>
internal sealed class TrackedRandomState(IReadOnlyList<torch.Generator> generators) : ITrackedState
{
    private const string Cpu = "cpu";
    private const string Generators = "generator-";

    public string Item => TrainingRun.RandomItem;

    public ItemState Capture()
    {
        using var scope = torch.NewDisposeScope();
        var states = new List<KeyValuePair<string, byte[]>>
        {
            KeyValuePair.Create(Cpu, torch.get_rng_state().bytes.ToArray()),
        };
        for (var i = 0; i < generators.Count; i++)
            states.Add(KeyValuePair.Create(NameOf(i), generators[i].get_state().bytes.ToArray()));
        return new ItemState(Item, [], states, Devices());
    }

    public IReadOnlyList<string> Compare(SavedItem saved)
    {
        var names = Enumerable.Range(0, generators.Count).Select(NameOf).Prepend(Cpu).ToList();
        return names.Except(saved.ByteNames).Select(n => $"{Item}/{n}: live, but not in the snapshot")
            .Concat(saved.ByteNames.Except(names).Where(n => !IsForeign(n)).Select(n => $"{Item}/{n}: in the snapshot, but not live"))
            .ToList();
    }

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        using var scope = torch.NewDisposeScope();
        torch.set_rng_state(torch.tensor(saved.TryReadBytes(Cpu)!));
        for (var i = 0; i < generators.Count; i++)
            generators[i].set_state(torch.tensor(saved.TryReadBytes(NameOf(i))!));
        return [.. Devices(), .. saved.ByteNames.Where(IsForeign).Select(n => new SkippedPart(n, "generators of another language"))];
    }

    /// <summary>Other languages have generators of their own beside torch's.</summary>
    private static bool IsForeign(string name) => name != Cpu && !name.StartsWith(Generators, StringComparison.Ordinal);

    private static string NameOf(int generator) => $"{Generators}{generator}";

    private static SkippedPart[] Devices() => torch.cuda.is_available()
        ? [new SkippedPart("cuda", "TorchSharp gives no access to the GPUs' default generators")]
        : [];
}
