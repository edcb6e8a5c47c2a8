using Ciuic.Storage;

namespace Ciuic.Silo;

/// <summary>Tries what a commit needs of the bucket: that what is created is there, and that of two creators one wins.</summary>
/// <param name="store">The bucket.</param>
/// <param name="time">Makes names that no other silo has.</param>
internal sealed class StoreProbe(IObjectStore store, TimeProvider time)
{
    public Task RunAsync(CancellationToken cancel) => CreateProbe.RunAsync(store, time, cancel);
}
