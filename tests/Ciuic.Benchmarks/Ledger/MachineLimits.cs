using System.Diagnostics;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>What this machine can do at most, for figures to be compared with.</summary>
internal static class MachineLimits
{
    /// <summary>About what 256 callers fill.</summary>
    private const int BlockSize = 40_000;

    public static void Run(LedgerPlan plan, string folder, BenchmarkReport report)
    {
        var block = new byte[BlockSize];
        new Random(1).NextBytes(block);
        var files = new RawFiles(Path.Combine(folder, "raw"));
        report.Add(Repeat("file of a block: write, fsync, link, fsync dir", "files", plan.Length, () => files.Create(block)));
        report.Add(Repeat("Ed25519 signature of 200 bytes", "signatures", plan.Length / 5, () => TestKeys.Blocks.Sign(block.AsSpan(0, 200))));
        report.Add(Repeat("Ed25519 signature of a block", "signatures", plan.Length / 5, () => TestKeys.Blocks.Sign(block)));
        var signature = TestKeys.Blocks.Sign(block.AsSpan(0, 500));
        report.Add(Repeat("Ed25519 check of 500 bytes", "signatures", plan.Length / 5, () => TestKeys.Blocks.Verifier.Verify(block.AsSpan(0, 500), signature)));
        report.Add(Repeat("SHA-256 of 65 bytes, a node", "hashes", plan.Length / 5, () => Digest.Of(block.AsSpan(0, 65))));
        report.Add(Repeat("SHA-256 of 500 bytes, a small block", "hashes", plan.Length / 5, () => Digest.Of(block.AsSpan(0, 500))));
    }

    private static Figure Repeat(string name, string unit, TimeSpan length, Action action)
    {
        action();
        var (watch, times) = (Stopwatch.StartNew(), 0L);
        for (; watch.Elapsed < length; times++)
            action();
        return new Figure(name, 1, times / watch.Elapsed.TotalSeconds, $"{unit}/s");
    }
}
