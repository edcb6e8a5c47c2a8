using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>Records that no ledger has seen before, as long as those of real snapshots.</summary>
internal static class Records
{
    private static long _last;

    public static byte[] Next() => Samples.Record(Interlocked.Increment(ref _last)).Encode();

    /// <summary>So many records as a block holds at most, or fewer.</summary>
    public static List<byte[]> Next(int count) => Enumerable.Range(0, count).Select(_ => Next()).ToList();
}
