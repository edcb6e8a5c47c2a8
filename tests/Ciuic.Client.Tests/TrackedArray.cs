using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>A model of one tensor.</summary>
internal sealed class TrackedArray(int elements) : ITrackedState
{
    public string Item => "model";

    public byte[] Content { get; private set; } = new byte[4 * elements];

    /// <summary>What a training step does to it: new content that follows from the step.</summary>
    public void Train(long step) => new Random((int)step).NextBytes(Content);

    public static byte[] At(long step, int elements)
    {
        var array = new TrackedArray(elements);
        array.Train(step);
        return array.Content;
    }

    public ItemState Capture() => new(Item, [new ArrayTensor("t", DType.Float32, [elements], Content)], [], []);

    public IReadOnlyList<string> Compare(SavedItem saved) =>
        saved.Tensors["t"].Length == Content.Length ? [] : [$"model/t: saved {saved.Tensors["t"].Length} bytes, live {Content.Length}"];

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        saved.ReadTensor("t", (offset, bytes) => bytes.CopyTo(Content.AsMemory((int)offset)));
        return [];
    }
}
