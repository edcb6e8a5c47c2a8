using System.Diagnostics;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>Auditing: how many blocks a core checks, and a long ledger from end to end.</summary>
internal static class AuditBenchmark
{
    private const int BlocksInMemory = 100_000;
    private const int Rounds = 11;

    public static async Task RunAsync(LedgerPlan plan, string folder, BenchmarkReport report, CancellationToken cancel)
    {
        if (plan.AuditBlocks > 0)
            await EndToEndAsync(plan.AuditBlocks, folder, report, cancel);
        var blocks = new List<byte[]>();
        SyntheticLedger.Make(BlocksInMemory, (bytes, _) => blocks.Add(bytes));
        Add("audit of hashes", blocks, Block.ParseUnsigned, report);
        Add("audit with signatures", blocks[..(BlocksInMemory / 10)], bytes => Block.Open(bytes, TestKeys.Public.Blocks), report);
    }

    /// <summary>Others on the machine cost caches and clock: the best round says most about the code, the median is beside it.</summary>
    private static void Add(string name, List<byte[]> blocks, Reader read, BenchmarkReport report)
    {
        Follow(blocks, read);
        var rounds = Enumerable.Range(0, Rounds).Select(_ => CpuClock.PerSecond(blocks.Count, () => Follow(blocks, read))).Order().ToArray();
        var note = $"{Rounds} rounds over {blocks.Count:#,0} blocks in memory, one record each";
        report.Add(new Figure($"{name}, best", 1, rounds[^1], "blocks/s/core", Note: note));
        report.Add(new Figure($"{name}, median", 1, rounds[Rounds / 2], "blocks/s/core", Note: note));
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
