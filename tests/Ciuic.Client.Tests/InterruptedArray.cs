using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client.Tests;

/// <summary>A model while whose bytes are copied aside something else happens.</summary>
internal sealed class InterruptedArray(int elements, Action meanwhile) : ITrackedState
{
    public string Item => "model";

    public ItemState Capture() => new(Item, [new Source(elements, meanwhile)], [], []);

    public IReadOnlyList<string> Compare(SavedItem saved) => [];

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved) => [];

    private sealed class Source(int elements, Action meanwhile) : TensorSource
    {
        public override string Name => "t";

        public override DType DType => DType.Float32;

        public override IReadOnlyList<long> Shape => [elements];

        public override void CopyTo(long offset, Span<byte> destination)
        {
            meanwhile();
            destination.Fill(1);
        }
    }
}
