using System.Diagnostics;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>One measured save.</summary>
/// <param name="Stall">Time of the copy into staging memory, seconds.</param>
/// <param name="Durable">Until every chunk was durable, staging included, seconds.</param>
/// <param name="Verify">Reading every byte back and checking it, seconds.</param>
/// <param name="SaveCpu">Processor seconds of stall and upload.</param>
/// <param name="Stored">Bytes that went to the bucket.</param>
/// <param name="Manifest">What was saved.</param>
internal sealed record MeasuredSave(
    double Stall, double Durable, double Verify, double SaveCpu, long Stored, ShardManifest Manifest);

/// <summary>The data plane as the client uses it, on a bucket of its own.</summary>
internal sealed class OurSave : IDisposable
{
    private readonly FileObjectStore _store;
    private readonly ChunkStore _chunks;
    private readonly ChunkStore _verifier;
    private readonly ShardUploader _uploader;
    private readonly StagingBuffers _buffers;

    /// <param name="folder">The bucket.</param>
    /// <param name="mode">How chunks are stored.</param>
    /// <param name="buffers">Staging memory, touched before: a run has its own for all its saves.</param>
    public OurSave(string folder, CodecMode mode, StagingBuffers buffers)
    {
        _buffers = buffers;
        _store = new FileObjectStore(folder);
        _chunks = new ChunkStore(_store);
        _verifier = new ChunkStore(_store);
        _uploader = new ShardUploader(_chunks, new CodecOptions { Mode = mode }, new SaveOptions().Writers, looksForNonFinite: true);
    }

    public async Task<MeasuredSave> SaveAsync(IReadOnlyList<ItemState> state)
    {
        var cpu = CpuClock.Now();
        var begin = Stopwatch.GetTimestamp();
        var staged = StagedShard.Stage(_buffers, state, ShardPlan.DefaultChunkBytes);
        var stall = Stopwatch.GetElapsedTime(begin);
        if (!_buffers.IsKept)
            _uploader.ForgetContent();
        var uploaded = await _uploader.UploadAsync(staged, _ => { }, CancellationToken.None);
        var durable = Stopwatch.GetElapsedTime(begin);
        var spent = CpuClock.Now() - cpu;
        _buffers.Keep(staged.Arena);
        _uploader.ContinueFrom(DeltaBases.Of(staged, uploaded));
        var manifest = Samples.Shard(Samples.Run, 1, staged, uploaded);
        begin = Stopwatch.GetTimestamp();
        await VerifyAsync(manifest);
        return new MeasuredSave(
            stall.TotalSeconds, durable.TotalSeconds, Stopwatch.GetElapsedTime(begin).TotalSeconds, spent.TotalSeconds,
            uploaded.WrittenBytes, manifest);
    }

    /// <summary>Reads a snapshot back, every byte checked, into staging memory.</summary>
    /// <returns>Wall and processor seconds.</returns>
    public async Task<(double Wall, double Cpu)> LoadAsync(ShardManifest manifest, StagingBuffers into)
    {
        var (cpu, begin) = (CpuClock.Now(), Stopwatch.GetTimestamp());
        await Loads.ShardAsync(_chunks, manifest, (_, _) => true, into, Environment.ProcessorCount, CancellationToken.None);
        return (Stopwatch.GetElapsedTime(begin).TotalSeconds, (CpuClock.Now() - cpu).TotalSeconds);
    }

    /// <summary>Deletes all that was saved: the next save finds nothing, but a process that has saved before.</summary>
    public async Task EmptyAsync()
    {
        await foreach (var stored in _store.ListAsync("", CancellationToken.None))
            await _store.DeleteAsync(stored.Key, CancellationToken.None);
        _uploader.ForgetKnown();
    }

    public void Dispose()
    {
        _chunks.Dispose();
        _verifier.Dispose();
    }

    private async Task VerifyAsync(ShardManifest manifest)
    {
        var families = new ChunkGraph(manifest).FamiliesOf(manifest.Chunks.Select(c => c.Id));
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        await Parallel.ForEachAsync(families, options, async (family, stop) =>
        {
            foreach (var outcome in (await _verifier.CheckAsync(family, stop)).Values)
                _ = outcome.Damage is { } damage ? throw damage : outcome;
        });
    }
}
