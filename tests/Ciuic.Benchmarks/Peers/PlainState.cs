namespace Ciuic.Benchmarks;

/// <summary>
/// A number and the newest records: each record is written once, as by the ledger; a state that kept all of them would
/// be written ever more slowly.
/// </summary>
[GenerateSerializer, Alias("ciuic.benchmarks.PlainState")]
public sealed class PlainState
{
    [Id(0)]
    public long Count { get; set; }

    [Id(1)]
    public List<byte[]> Newest { get; set; } = [];
}
