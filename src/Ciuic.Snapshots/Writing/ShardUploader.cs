using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Staged bytes to chunks in the bucket, on all cores. A chunk that is what it was in the snapshot before costs one
/// comparison; one that is stored already, a hash; others are encoded, from what they were where that pays.
/// </summary>
/// <param name="chunks">The bucket's chunks.</param>
/// <param name="options">How they are stored.</param>
/// <param name="parallelism">Chunks at work at once.</param>
/// <param name="looksForNonFinite">Whether NaN and infinity are looked for.</param>
/// <param name="time">Measures how long uploads take, where the mode follows it; null for the system's clock.</param>
public sealed class ShardUploader(
    ChunkStore chunks, CodecOptions options, int parallelism, bool looksForNonFinite = false, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly CodecChoice _choice = new(options);
    private DeltaBases _before = DeltaBases.None;
    private int _sinceFull;

    /// <summary>Uploads a shard. Calls do not overlap.</summary>
    /// <param name="shard">The staged bytes, all of them; must not change until this returns.</param>
    /// <param name="progress">Told after each chunk, from several threads; an exception ends the upload.</param>
    /// <param name="cancel">Ends the upload; chunks stored until then stay, unreferenced.</param>
    public async Task<UploadedShard> UploadAsync(
        StagedShard shard, Action<UploadProgress> progress, CancellationToken cancel)
    {
        var upload = Begin(shard.Plan, progress);
        await upload.AddAsync(shard, cancel);
        return upload.Finish();
    }

    /// <summary>Begins to upload a shard that is staged window by window. No other upload meanwhile.</summary>
    /// <param name="plan">What it holds.</param>
    /// <param name="progress">Told after each chunk, from several threads; an exception ends the upload.</param>
    public ShardUpload Begin(StagingPlan plan, Action<UploadProgress> progress)
    {
        var isFullDue = _sinceFull + 1 >= options.FullEvery;
        var mode = _choice.Next(mayDiffer: _before.HasContent && !isFullDue);
        var chunkUpload = new ChunkUpload(chunks, options, _before, plan, mode, mayDiffer: mode == CodecMode.Delta && !isFullDue);
        var begin = _time.GetTimestamp();
        var tally = new UploadTally(plan, progress);
        return new ShardUpload(plan, _before, parallelism, looksForNonFinite, chunkUpload, tally, uploaded =>
        {
            // A full one that was to be a difference says nothing of differences.
            if (mode != CodecMode.Delta || (_before.HasContent && !isFullDue))
                _choice.Took(mode, _time.GetElapsedTime(begin), plan.Length);
            _sinceFull = uploaded.Chunks.Any(c => c.Depth > 0) ? _sinceFull + 1 : 0;
        });
    }

    /// <summary>What the next shard is compared with: the one before, while its bytes lie in memory.</summary>
    public void ContinueFrom(DeltaBases before) => _before = before;

    /// <summary>The bytes of the one before are there no more; its chunks are still known to be stored.</summary>
    public void ForgetContent() => _before = _before.WithoutContent();

    /// <summary>Forgets which chunks are stored, after the bucket was found damaged: the next shard needs none of them.</summary>
    public void ForgetKnown() => _before = DeltaBases.None;
}
