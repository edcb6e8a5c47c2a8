using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Stages, uploads, hands over for delivery. One save at a time in the staging buffer; nothing here throws into the
/// training loop because a store or a silo is away.
/// </summary>
internal sealed class Saver(
    RunId run,
    RankPlace place,
    SaveOptions options,
    StagingBuffers buffers,
    ShardUploader uploader,
    SaveDelivery delivery,
    SaveOutcomes outcomes,
    SaveBases bases,
    SpoolWriter? spool,
    TrainingWatch watch,
    Movement moves,
    TimeProvider time,
    ILogger logger,
    Action<SaveProgress> progress)
{
    /// <summary>How long the last save sees nothing move of the one before, until that is kept on this machine instead.</summary>
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ending = new();
    private readonly PatientStore _store = new(run, time, logger);
    private readonly Movement _stored = new(time);
    private readonly HealthWatch _health = new(run, options, logger);
    private Task _uploading = Task.CompletedTask;
    private Task _preparing = Task.CompletedTask;
    private CancellationTokenSource _hurrying = new();
    private SaveHandle? _staged;
    private long _waitedInVainAt = -1;
    private bool _isPrepared;
    private bool _isTooLarge;

    /// <summary>Saves that were left out because the one before was still in the staging memory.</summary>
    public int Skipped { get; private set; }

    /// <summary>Makes room for the first save beside training, once the state has the size that it will have.</summary>
    public void Prepare(IReadOnlyList<ITrackedState> tracked)
    {
        if (_isPrepared)
            return;
        _isPrepared = true;
        try
        {
            var bytes = ShareOf(tracked).Items.Sum(i => i.Length);
            _preparing = Task.Run(() => Prepare(bytes));
        }
        catch (Exception error)
        {
            logger.NotPrepared(run, error.Message); // the save itself will tell
        }
    }

    /// <summary>Copies the state aside and returns; the rest happens in the background.</summary>
    /// <param name="tracked">The state.</param>
    /// <param name="plan">What is saved.</param>
    /// <param name="maxWait">How long the save before may hold it up.</param>
    /// <param name="isLast">Whether the program was told to end: nothing comes after this one.</param>
    /// <param name="cancel">Ends the waiting.</param>
    public async Task<SaveHandle> SaveAsync(
        IReadOnlyList<ITrackedState> tracked, SnapshotPlan plan, TimeSpan maxWait, bool isLast, CancellationToken cancel)
    {
        if (!await (isLast ? StagingIsFreeForTheLastAsync(maxWait, cancel) : StagingIsFreeAsync(maxWait, cancel)))
        {
            Skipped++;
            return Refuse(plan, new UnavailableException(
                $"The save of step {plan.Step} was skipped: the one before it is still being uploaded."));
        }

        var begin = time.GetTimestamp();
        StagingPlan staging;
        RankFingerprints? replicated;
        StagedShard shard;
        try
        {
            var share = ShareOf(tracked);
            staging = StagingPlan.Of(share.Items, options.ChunkBytes);
            var isTooLarge = staging.Length > options.MaxStagingBytes;
            replicated = RankFingerprints.Begin(share, willStage: !isTooLarge);
            if (isTooLarge)
                return await SaveInWindowsAsync(plan, staging, replicated, begin, maxWait, cancel);
            shard = StagedShard.Stage(buffers, staging);
        }
        catch (Exception error)
        {
            return Refuse(plan, error); // no memory for it: training may still have enough
        }

        var handle = Staged(plan, staging, begin);
        _uploading = Task.Run(() => UploadAsync(handle, plan, shard, replicated), CancellationToken.None);
        return handle;
    }

    /// <summary>A save that has failed before all of it was copied.</summary>
    public SaveHandle Refuse(SnapshotPlan plan, Exception why)
    {
        var handle = new SaveHandle(plan.Step, TimeSpan.Zero, 0, 0, outcomes.TakeErrors());
        if (why is UnavailableException or InvalidInputException or FencedException)
            outcomes.Drop(handle, why);
        else
            outcomes.Fail(handle, why);
        if (why is not FencedException)
            AbandonAfterUpload(plan, why.Message);
        return handle;
    }

    /// <summary>
    /// In the order of the saves: to give one up it must be begun, and then the one before it, which may still be uploading, could
    /// be begun no more.
    /// </summary>
    private void AbandonAfterUpload(SnapshotPlan plan, string reason) =>
        _uploading.ContinueWith(_ => delivery.Abandon(plan, reason), TaskScheduler.Default);

    /// <summary>Takes a snapshot that was just restored for the one before the next save.</summary>
    public void ContinueFrom(LoadedShard restored) => bases.ContinueFrom(restored);

    /// <summary>Ends uploads: what is staged is kept on this machine, or given up.</summary>
    /// <returns>When nothing reads the staging memory any more; where a store hangs that is never, but what is staged is kept before.</returns>
    public async Task<Task> EndAsync()
    {
        await _ending.CancelAsync();
        if (_staged is { } staged)
            await Task.WhenAny(_uploading, staged.Outcome);
        return Task.WhenAll(_uploading, _preparing);
    }

    private RankShare ShareOf(IReadOnlyList<ITrackedState> tracked) =>
        RankShare.Of([.. tracked.Select(t => t.Capture())], place.Rank, place.WorldSize);

    private void Prepare(long bytes)
    {
        try
        {
            buffers.Prepare(Math.Max(1, bytes));
        }
        catch (OutOfMemoryException error)
        {
            logger.NotPrepared(run, error.Message);
        }
    }

    /// <summary>
    /// Training comes first: a store that is known to be away is not waited for, and neither is an upload that has not moved since a save
    /// has waited for it in vain.
    /// </summary>
    private async Task<bool> StagingIsFreeAsync(TimeSpan maxWait, CancellationToken cancel)
    {
        if (_uploading.IsCompleted)
            return true;
        // One that has an outcome frees the memory at once, unless it hangs.
        var isPromising = !_store.IsAway || _staged is { Outcome.IsCompleted: true };
        if (isPromising && _waitedInVainAt != _stored.Count)
            await Task.WhenAny(_uploading, Task.Delay(maxWait, time, cancel));
        if (_uploading.IsCompleted)
            return true;
        _waitedInVainAt = _stored.Count;
        return false;
    }

    /// <summary>
    /// The last save before the program ends needs the staging memory: the one before it is waited for as long as it moves, and then kept on
    /// this machine.
    /// </summary>
    private async Task<bool> StagingIsFreeForTheLastAsync(TimeSpan maxWait, CancellationToken cancel)
    {
        if (spool is null)
            return await StagingIsFreeAsync(maxWait, cancel);
        var begin = time.GetTimestamp();
        for (var seen = -1L; !_uploading.IsCompleted && !_store.IsAway && seen != _stored.Count && time.GetElapsedTime(begin) < maxWait / 3;)
        {
            seen = _stored.Count;
            await Task.WhenAny(_uploading, Task.Delay(LastWait, time, cancel));
        }

        if (_uploading.IsCompleted || cancel.IsCancellationRequested)
            return _uploading.IsCompleted;
        await _hurrying.CancelAsync();
        var left = maxWait - time.GetElapsedTime(begin);
        await Task.WhenAny(_uploading, Task.Delay(left > LastWait ? left : LastWait, time, cancel));
        _hurrying = new CancellationTokenSource();
        return _uploading.IsCompleted;
    }

    private SaveHandle Staged(SnapshotPlan plan, StagingPlan staging, long begin)
    {
        _staged = new SaveHandle(plan.Step, time.GetElapsedTime(begin), staging.Length, staging.Chunks.Count, outcomes.TakeErrors());
        outcomes.Report(_staged, SaveStage.Staged);
        return _staged;
    }

    /// <summary>A state that is larger than the staging memory is worth waiting for: it could not be saved otherwise.</summary>
    private async Task<SaveHandle> SaveInWindowsAsync(
        SnapshotPlan plan, StagingPlan staging, RankFingerprints? replicated, long begin, TimeSpan maxWait, CancellationToken cancel)
    {
        if (!_isTooLarge)
            logger.InWindows(run, staging.Length, options.MaxStagingBytes);
        _isTooLarge = true;
        var begun = bases.Begin(keepsContent: false);
        var upload = uploader.Begin(staging, Reporting(plan.Step));
        var windows = new WindowedSave(buffers, staging, (window, givenUp) => StoreAsync(plan.Step, upload, window, givenUp));
        try
        {
            await windows.CopyAsync(maxWait, time, cancel);
        }
        catch (Exception error)
        {
            return Refuse(plan, error);
        }
        finally
        {
            // However it ends, the staging memory is free when nothing reads it any more.
            _uploading = windows.Done.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        var handle = Staged(plan, staging, begin);
        _uploading = Task.Run(
            () => CompleteAsync(handle, plan, staging, replicated, async () =>
            {
                await windows.Done;
                var uploaded = upload.Finish();
                bases.ContinueFrom(DeltaBases.Of(uploaded), begun, keeps: null);
                return uploaded;
            }),
            CancellationToken.None);
        return handle;
    }

    private async Task StoreAsync(long step, ShardUpload upload, StagedShard window, CancellationToken givenUp)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(givenUp, _ending.Token);
        await _store.UntilStoredAsync(step, () => upload.AddAsync(window, either.Token), either.Token);
    }

    private Task UploadAsync(SaveHandle handle, SnapshotPlan plan, StagedShard shard, RankFingerprints? replicated)
    {
        var begun = bases.Begin(keepsContent: buffers.IsKept);
        var hurrying = _hurrying.Token;
        return CompleteAsync(handle, plan, shard.Plan, replicated, async () =>
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, hurrying);
            var storage = new ShardStorage(_store, uploader, spool, ending.Token);
            replicated?.Complete(shard);
            var uploaded = await storage.StoreAsync(plan, shard, handle, Reporting(plan.Step), kept => outcomes.Keep(handle, kept));
            if (uploaded is not null)
                bases.ContinueFrom(DeltaBases.Of(shard, uploaded), begun, shard.Arena);
            return uploaded;
        });
    }

    private async Task CompleteAsync(
        SaveHandle handle, SnapshotPlan plan, StagingPlan staging, RankFingerprints? replicated, Func<Task<UploadedShard?>> uploadAsync)
    {
        try
        {
            if (await uploadAsync() is not { } uploaded)
                return;
            plan = _health.Judge(plan, uploaded.Health);
            if (uploaded.RepairedChunks > 0)
                logger.Repaired(run, uploaded.RepairedChunks);
            outcomes.Report(handle, SaveStage.Uploaded);
            var versions = watch.Uploaded(staging.Tensors, uploaded.Health);
            delivery.Enqueue(new UploadedSave(handle, plan, staging.Tensors, staging.Bytes, replicated, uploaded.Records, uploaded.Bases, versions));
        }
        catch (OperationCanceledException)
        {
            outcomes.Drop(handle, new UnavailableException($"The run was closed while step {plan.Step} was being uploaded."));
        }
        catch (Exception error)
        {
            outcomes.Fail(handle, error);
            delivery.Abandon(plan, error.Message);
        }
    }

    /// <summary>Reports from now on how far an upload is.</summary>
    private Action<UploadProgress> Reporting(long step)
    {
        var begin = time.GetTimestamp();
        return p =>
        {
            moves.Mark();
            _stored.Mark();
            progress(new SaveProgress(
                step, SaveStage.Uploading, p.DoneBytes, p.TotalBytes, p.DoneChunks, p.TotalChunks, time.GetElapsedTime(begin)));
        };
    }
}
