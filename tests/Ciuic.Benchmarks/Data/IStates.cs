using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>Something that trains, and whose state is saved.</summary>
internal interface IStates : IDisposable
{
    /// <summary>The live state, valid until the next step.</summary>
    IReadOnlyList<ItemState> Live();

    /// <summary>Trains until so many steps are done.</summary>
    void TrainTo(long step);
}
