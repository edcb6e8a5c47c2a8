using System.Diagnostics;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>Auditing: how many blocks a core checks, and a long ledger from end to end.</summary>
internal static class AuditBenchmark
{
    private const int BlocksInMemory = 100_000;

    public static async Task RunAsync(LedgerPlan plan, string folder, BenchmarkReport report, CancellationToken cancel)
    {
        if (plan.AuditBlocks > 0)
            await EndToEndAsync(plan.AuditBlocks, folder, report, cancel);
        var blocks = new List<byte[]>();
        var size = SyntheticLedger.Make(BlocksInMemory, (bytes, _) => blocks.Add(bytes)).Tip.Size;
        for (var round = 1; round <= 3; round++)
        {
            var note = $"round {round}, {size:#,0} blocks in memory, one record each";
            report.Add(new Figure("audit of hashes", 1, CpuClock.PerSecond(size, () => Follow(blocks, Block.ParseUnsigned)), "blocks/s/core", Note: note));
        }

        var signed = blocks.Take(BlocksInMemory / 10).ToList();
        report.Add(new Figure(
            "audit with signatures",
            1,
            CpuClock.PerSecond(signed.Count, () => Follow(signed, bytes => Block.Open(bytes, TestKeys.Public.Blocks))),
            "blocks/s/core",
            Note: $"{signed.Count:#,0} blocks in memory"));
    }

    private delegate Block Reader(ReadOnlySpan<byte> bytes);

    /// <summary>Parses, hashes the leaf, compares with the frontier, derives the tiles.</summary>
    private static void Follow(List<byte[]> blocks, Reader read)
    {
        var (tip, tiles) = (LedgerTip.Start(TestKeys.Public), new TileBuilder());
        foreach (var bytes in blocks)
        {
            tip = tip.Follow(read(bytes), bytes);
            tiles.Append(bytes, tip.LastLeaf);
            tiles.TakeFinished();
        }
    }

    private static async Task EndToEndAsync(int blocks, string folder, BenchmarkReport report, CancellationToken cancel)
    {
        using var store = new PackedStore(Path.Combine(folder, "ledger.pack"));
        var bucket = new LedgerBucket(store, TestBucket.Ledger);
        await SyntheticLedger.StoreAsync(bucket, blocks, cancel);
        GC.Collect();
        var memory = new MemoryPeak();
        var (findings, watch, cpu) = (new List<AuditFinding>(), Stopwatch.StartNew(), CpuClock.Now());
        var tip = await BucketAudit.CheckLedgerAsync(
            bucket, TlogPolicy.Alone(TestKeys.TreeHead.Verifier), findings, memory.Watch, cancel);
        var (wall, used) = (watch.Elapsed, CpuClock.Now() - cpu);
        if (tip.Size != blocks || findings.Count > 0)
            throw new InvalidOperationException($"The audit saw {tip.Size} of {blocks} blocks, and {findings.FirstOrDefault()}.");
        var note = $"{blocks:#,0} blocks, signatures, tiles, histories";
        report.Add(new Figure("audit end to end", 1, blocks / used.TotalSeconds, "blocks/s/core", Note: note));
        report.Add(new Figure("audit end to end", 1, wall.TotalSeconds, "s", Note: note));
        foreach (var (part, managed) in memory.Managed)
            report.Add(new Figure($"  managed memory, peak until block {part:#,0}", 1, managed / 1e6, "MB", Note: $"{memory.Start / 1e6:0} MB before"));
        report.Add(new Figure("  resident memory, peak", 1, memory.Resident / 1e6, "MB"));
    }
}
