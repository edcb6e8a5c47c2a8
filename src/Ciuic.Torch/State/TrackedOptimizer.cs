using System.Text.Json;
using System.Text.Json.Nodes;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using TorchSharp;
using TorchSharp.Modules;

namespace Ciuic.Torch;

/// <summary>
/// An optimizer: per parameter its tensors (<c>0.exp_avg</c>) and counters, per group its options, in the order of the
/// parameters. LBFGS keeps its state in native code that TorchSharp gives no access to: it is reported as skipped.
/// </summary>
internal sealed class TrackedOptimizer(string item, torch.optim.Optimizer optimizer, TensorSlices? slices = null) : ITrackedState
{
    private const string Name = "values";

    private readonly TensorSlices _slices = slices ?? TensorSlices.None;

    public string Item => item;

    private OptimizerHelper? Managed => optimizer as OptimizerHelper;

    public ItemState Capture()
    {
        var skipped = new List<SkippedPart>();
        var values = new JsonObject { ["type"] = optimizer.GetType().Name };
        if (Managed is null)
        {
            values["learning_rates"] = new JsonArray([.. optimizer.ParamGroups.Select(g => (JsonNode)g.LearningRate)]);
            skipped.Add(Native());
        }
        else
        {
            values["groups"] = new JsonArray([.. Groups().Select((g, i) => ObjectFields.Read(g, $"group {i} ", skipped))]);
            values["states"] = new JsonArray([.. States().Select((s, i) => ReadState(s, i, skipped))]);
            if (Counts() is { Count: > 1 } counts)
                values["counts"] = new JsonArray([.. counts.Select(c => (JsonNode)c)]);
        }

        var tensors = Tensors().Select(t => new TorchTensorSource(t.Name, t.Tensor, SliceOf(t.Name))).ToList();
        return new ItemState(
            item, tensors, [KeyValuePair.Create(Name, JsonSerializer.SerializeToUtf8Bytes(values))], skipped)
        {
            Steps = Managed is null ? [] : AdamSteps.Of(Managed),
        };
    }

    /// <summary>What is kept of each element of a parameter is cut as the parameter is.</summary>
    public TensorSlice? SliceOf(string name)
    {
        if (_slices.IsEmpty || !Decimal64.TryParse(name.Split('.')[0], out var index))
            return null;
        return optimizer.parameters().ElementAtOrDefault((int)index) is { } parameter ? _slices.Of(parameter) : null;
    }

    public IReadOnlyList<string> Compare(SavedItem saved)
    {
        var values = Read(saved);
        // A state dictionary of PyTorch does not tell its optimizer's class.
        if (values["type"] is { } type && (string?)type != optimizer.GetType().Name)
            return [$"{item}: saved {type}, live {optimizer.GetType().Name}"];
        if (Managed is null)
            return [];
        if (values["groups"] is null || values["states"] is null)
            return [$"{item}: saved as another language's, live {optimizer.GetType().Name}"];
        var mismatches = new List<string>();
        Count("parameter groups", values["groups"]!.AsArray().Count, Groups().Count);
        Count("parameters", values["states"]!.AsArray().Count, States().Count);
        foreach (var (there, live) in (values["counts"]?.AsArray() ?? []).Zip(Counts()))
            Count("parameters in a group", (int)there!, live);
        // A moment has its parameter's shape; one that is not live yet is created from the snapshot.
        mismatches.AddRange(Tensors()
            .Where(t => saved.Tensors.ContainsKey(t.Name))
            .Select(t => TensorBytes.Mismatch(saved.Tensors[t.Name], SliceOf(t.Name), t.Tensor))
            .OfType<string>());
        return mismatches;

        void Count(string what, int there, int live)
        {
            if (there != live)
                mismatches.Add($"{item}: saved {there} {what}, live {live}");
        }
    }

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        var values = Read(saved);
        if (Managed is null)
        {
            foreach (var (group, rate) in optimizer.ParamGroups.Zip(values["learning_rates"]!.AsArray()))
                group.LearningRate = (double)rate!;
            return [Native()];
        }

        foreach (var (group, node) in Groups().Zip(values["groups"]!.AsArray()))
            ObjectFields.Write(group, node!.AsObject());
        var parameters = optimizer.parameters().ToList();
        for (var i = 0; i < parameters.Count; i++)
            RestoreState(saved, i, parameters[i], values["states"]![i]!.AsObject());
        return [];
    }

    private void RestoreState(SavedItem saved, int index, torch.Tensor parameter, JsonObject values)
    {
        var state = States()[index];
        ObjectFields.Write(state, values);
        foreach (var (name, field) in ObjectFields.Of(state).Where(f => IsState(f.Field)))
        {
            var path = $"{index}.{name}";
            var live = (torch.Tensor?)field.GetValue(state);
            if (!saved.Tensors.TryGetValue(path, out var record))
            {
                Forget(state, field, live, isFresh: (long?)values["step"] == 0);
                continue;
            }

            if (live is null)
                field.SetValue(state, live = Create(record, _slices.Of(parameter), parameter));
            TensorBytes.Restore(saved, path, _slices.Of(parameter), live);
        }
    }

    /// <summary>
    /// Where nothing was saved there was nothing yet. TorchSharp's Adam has zeros before its first step, and PyTorch's has no tensors: the
    /// same is meant.
    /// </summary>
    private static void Forget(OptimizerState state, System.Reflection.FieldInfo field, torch.Tensor? live, bool isFresh)
    {
        if (live is not null && isFresh)
        {
            using var zeroed = live.zero_();
            return;
        }

        live?.Dispose();
        field.SetValue(state, null);
    }

    /// <summary>A state tensor that the optimizer makes on its first step: the snapshot knows it, the object not yet.</summary>
    private static torch.Tensor Create(SavedTensor record, TensorSlice? slice, torch.Tensor parameter) => torch
        .empty([.. slice?.Box.Shape ?? record.Shape], record.DType.ToTorch(), device: parameter.device)
        .DetachFromDisposeScope();

    private IEnumerable<(string Name, torch.Tensor Tensor)> Tensors() => States().SelectMany((state, i) =>
        ObjectFields.Of(state)
            .Where(f => IsState(f.Field))
            .Select(f => (Name: $"{i}.{f.Name}", Tensor: (torch.Tensor?)f.Field.GetValue(state)))
            .Where(t => t.Tensor is not null)
            .Select(t => (t.Name, t.Tensor!)));

    /// <summary>The parameter itself belongs to the model.</summary>
    private static bool IsState(System.Reflection.FieldInfo field) => field.FieldType == typeof(torch.Tensor);

    private static JsonObject ReadState(OptimizerState state, int index, List<SkippedPart> skipped) =>
        ObjectFields.Read(state, $"{index}.", skipped);

    private List<OptimizerState> States() => Managed?.state_dict().State ?? [];

    private List<OptimizerOptions> Groups() => Managed?.state_dict().Options ?? [];

    private List<int> Counts() => [.. optimizer.ParamGroups.OfType<ParamGroup>().Select(g => g.Parameters.Count())];

    private static JsonObject Read(SavedItem saved) =>
        saved.TryReadBytes(Name) is { } bytes ? JsonNode.Parse(bytes)!.AsObject() : [];

    private SkippedPart Native() => new(
        "state", $"{optimizer.GetType().Name} keeps it in native code without access; it starts anew after a resume");
}
