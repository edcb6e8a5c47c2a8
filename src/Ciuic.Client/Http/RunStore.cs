using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>The bucket as one run writes to it.</summary>
/// <param name="Objects">Its objects.</param>
/// <param name="Receipts">What the gateway in between has given for chunks; null where there is none.</param>
internal sealed record RunStore(IObjectStore Objects, Receipts? Receipts);
