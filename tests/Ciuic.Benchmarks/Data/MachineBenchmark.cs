using System.Collections.Concurrent;
using System.Diagnostics;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>What the machine can do at most, and what each byte costs one core.</summary>
internal sealed class MachineBenchmark(ComparePlan plan, BenchmarkReport report)
{
    private const int ChunkBytes = ShardPlan.DefaultChunkBytes;
    private const int FilesAtOnce = 32;

    public void Run(string folder, StagedShard first, StagedShard second)
    {
        Memcpy(first.Plan.Length);
        Disk(folder, first.Plan.Length);
        PerCore("SHA-256", first, (plain, _) => ChunkId.Of(plain));
        Codec(first, second);
    }

    private void Memcpy(long size)
    {
        using var from = new StagingArena(size);
        using var to = new StagingArena(size);
        from.Reserve(size);
        to.Reserve(size);
        report.AddTime("memcpy, warm, one thread", size, Repeat(() =>
        {
            var begin = Stopwatch.GetTimestamp();
            for (var at = 0L; at < size; at += 1 << 30)
            {
                var piece = (int)Math.Min(1 << 30, size - at);
                from.Slice(at, piece).CopyTo(to.Slice(at, piece));
            }

            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }));
    }

    private void Disk(string folder, long size)
    {
        var bytes = new byte[64 << 20];
        new Random(1).NextBytes(bytes);
        var path = Path.Combine(folder, "disk");
        report.AddTime("disk: one file, written and flushed", size, Repeat(() =>
        {
            var begin = Stopwatch.GetTimestamp();
            Write(path, bytes, size);
            var taken = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            File.Delete(path);
            return taken;
        }));
        var files = Enumerable.Range(0, (int)(size / ChunkBytes)).Select(i => $"{path}-{i}").ToList();
        report.AddTime($"disk: files of a chunk, written and flushed, {FilesAtOnce} at once", (long)files.Count * ChunkBytes, Repeat(() =>
        {
            var begin = Stopwatch.GetTimestamp();
            using (var left = new BlockingCollection<string>(new ConcurrentQueue<string>(files)))
            {
                left.CompleteAdding();
                var threads = Enumerable.Range(0, FilesAtOnce).Select(_ => new Thread(() => WriteAll(left))).ToList();
                threads.ForEach(t => t.Start());
                threads.ForEach(t => t.Join());
            }

            var taken = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            files.ForEach(File.Delete);
            return taken;
        }));

        void WriteAll(BlockingCollection<string> left)
        {
            foreach (var file in left.GetConsumingEnumerable())
                Write(file, bytes, ChunkBytes);
        }
    }

    private static void Write(string path, byte[] bytes, long size)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        for (var at = 0L; at < size; at += bytes.Length)
            RandomAccess.Write(file, bytes.AsSpan(0, (int)Math.Min(bytes.Length, size - at)), at);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>Planes alone, and differences, of the chunks of a real state; decoding without the hash.</summary>
    private void Codec(StagedShard first, StagedShard second)
    {
        using var encoder = new ChunkEncoder();
        using var decoder = new ChunkDecoder();
        var into = new PageBuffer();
        PerCore("planes, encode", second, (plain, _) => encoder.Encode(plain, sizeof(float), into));
        var frames = Chunks(second).Select(c => (ChunkId.Of(c.Plain.Span), encoder.Encode(c.Plain.Span, sizeof(float), into).ToArray())).ToList();
        var room = new byte[ChunkBytes];
        PerCore("planes, decode", second, (plain, i) => decoder.DecodeBase(frames[i].Item1, frames[i].Item2, room.AsSpan(0, plain.Length), ChunkSources.None));
        PerCore("difference, encode", second, (plain, i) =>
        {
            var before = first.Content(first.Plan.Chunks[Chunks(second)[i].Index]).Span;
            encoder.TryEncodeDelta(plain, sizeof(float), new ChunkBase(frames[i].Item1, before), minGain: -10, into);
        });
    }

    private void PerCore(string name, StagedShard shard, Action<ReadOnlySpan<byte>, int> work)
    {
        var chunks = Chunks(shard);
        var bytes = chunks.Sum(c => (long)c.Plain.Length);
        for (var i = 0; i < 3; i++)
            Once(); // warm
        var rates = Enumerable.Range(0, plan.Repetitions).Select(_ => CpuClock.PerSecond(bytes, Once)).ToList();
        report.Add(new Figure($"{name}, one core", 1, Measured.Median(rates) / 1e9, "GB/s"));

        void Once()
        {
            for (var i = 0; i < chunks.Count; i++)
                work(chunks[i].Plain.Span, i);
        }
    }

    /// <summary>Full chunks of singles.</summary>
    private static List<(int Index, Memory<byte> Plain)> Chunks(StagedShard shard) =>
        [.. shard.Plan.Chunks.Select((c, i) => (i, shard.Content(c))).Where(c => shard.Plan.Layout[c.i].Width == sizeof(float) && c.Item2.Length == ChunkBytes)];

    private List<double> Repeat(Func<double> measure)
    {
        measure(); // warm
        return [.. Enumerable.Range(0, Math.Max(5, plan.Repetitions)).Select(_ => measure())];
    }
}
