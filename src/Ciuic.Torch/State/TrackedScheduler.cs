using System.Text.Json;
using System.Text.Json.Nodes;
using Ciuic.Client;
using Ciuic.Snapshots;
using static TorchSharp.torch.optim.lr_scheduler;

namespace Ciuic.Torch;

/// <summary>
/// A learning-rate scheduler: the plain values of its fields, and those of schedulers within it. The learning rate in
/// force belongs to the optimizer's parameter groups and is saved there.
/// </summary>
internal sealed class TrackedScheduler(string item, LRScheduler scheduler) : ITrackedState
{
    private const string Name = "values";
    private const string TypeKey = "type";

    public string Item => item;

    public ItemState Capture()
    {
        var skipped = new List<SkippedPart>();
        var all = new JsonArray();
        foreach (var (path, inner) in All(scheduler, ""))
        {
            var values = ObjectFields.Read(inner, path, skipped);
            all.Add(new JsonObject { [TypeKey] = inner.GetType().Name, ["fields"] = values });
        }

        return new ItemState(
            item, [], [KeyValuePair.Create(Name, JsonSerializer.SerializeToUtf8Bytes(all))], skipped);
    }

    public IReadOnlyList<string> Compare(SavedItem saved)
    {
        var types = Read(saved).Select(node => (string?)node![TypeKey]).ToList();
        var live = All(scheduler, "").Select(s => s.Scheduler.GetType().Name).ToList();
        return types.SequenceEqual(live)
            ? []
            : [$"{item}: saved {string.Join(" > ", types)}, live {string.Join(" > ", live)}"];
    }

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        foreach (var (node, (_, inner)) in Read(saved).Zip(All(scheduler, "")))
            ObjectFields.Write(inner, node!["fields"]!.AsObject());
        return Capture().Skipped;
    }

    private static JsonArray Read(SavedItem saved) =>
        saved.TryReadBytes(Name) is { } bytes ? JsonNode.Parse(bytes)!.AsArray() : [];

    private static IEnumerable<(string Path, LRScheduler Scheduler)> All(LRScheduler scheduler, string path)
    {
        yield return (path, scheduler);
        foreach (var (name, field) in ObjectFields.Of(scheduler))
        {
            var inner = field.GetValue(scheduler) switch
            {
                LRScheduler one => [one],
                IEnumerable<LRScheduler> many => many,
                _ => [],
            };
            foreach (var found in inner.SelectMany((s, i) => All(s, $"{path}{name}[{i}].")))
                yield return found;
        }
    }
}
