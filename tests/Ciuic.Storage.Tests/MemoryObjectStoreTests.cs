using Ciuic.Testing;

namespace Ciuic.Storage.Tests;

public sealed class MemoryObjectStoreTests : StoreConformance
{
    protected override IObjectStore Store { get; } = new MemoryObjectStore();
}
