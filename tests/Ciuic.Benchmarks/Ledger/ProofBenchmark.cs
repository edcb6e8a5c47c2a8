using System.Diagnostics;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>Proofs of snapshots in a long ledger, by their place, as the gateway makes them; and how long a silo needs to go on with it.</summary>
internal static class ProofBenchmark
{
    private const int Blocks = 100_000;
    private const int Proofs = 200;

    /// <summary>Proofs until the code is compiled.</summary>
    private const int Warmup = 20;

    /// <summary>The most that a proof may take: whoever reads may ask for many.</summary>
    private const double AimMs = 20;

    public static async Task RunAsync(string folder, BenchmarkReport report, CancellationToken cancel)
    {
        using var store = new PackedStore(Path.Combine(folder, "proofs.pack"));
        var bucket = new LedgerBucket(store, TestBucket.Ledger);
        await SyntheticLedger.StoreAsync(bucket, Blocks, cancel);
        var proofs = new SnapshotProofs(bucket, TlogPolicy.Alone(), null);
        var times = new List<double>();
        for (var i = -Warmup; i < Proofs; i++)
        {
            var height = (long)Math.Max(i, 0) * Blocks / Proofs;
            var manifest = Block.ParseUnsigned((await bucket.GetBlockAsync(height, cancel))!).Facts().Single().Record.Manifest;
            var begin = Stopwatch.GetTimestamp();
            await proofs.ProveAsync(manifest, new LedgerPosition(height, 0), cancel);
            if (i >= 0)
                times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        times.Sort();
        var note = $"{Proofs} proofs from {Blocks:#,0} blocks";
        Add("proof, median", times[Proofs / 2]);
        Add("proof, 99 of 100 within", times[Proofs * 99 / 100]);

        void Add(string name, double ms) => report.Add(new Figure(
            name, 1, ms, "ms", Note: $"{note}; aim: at most {AimMs} ms, {(ms <= AimMs ? "met" : "NOT MET")}"));
    }
}
