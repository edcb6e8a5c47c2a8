using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// Brings a staged shard into the bucket. Where the store has been away for too long, or the run ends before it is there, it is brought
/// onto this machine's disk.
/// </summary>
/// <param name="store">Waits for the bucket.</param>
/// <param name="uploader">Stores there.</param>
/// <param name="spool">This machine's disk; null where nothing may be kept there.</param>
/// <param name="ending">Cancelled when the run ends, or when a later save needs the memory more than this one needs the bucket.</param>
internal sealed class ShardStorage(PatientStore store, ShardUploader uploader, SpoolWriter? spool, CancellationToken ending)
{
    private static readonly TimeSpan TryOfWhatIsAway = TimeSpan.FromSeconds(5);

    /// <summary>Stores a shard; one that is known to be away is tried for moments only.</summary>
    /// <param name="plan">What is saved.</param>
    /// <param name="shard">Its bytes; free once this returns.</param>
    /// <param name="handle">The save.</param>
    /// <param name="report">Told how far it is.</param>
    /// <param name="kept">Told where the shard is kept on this machine, or why it is not, as soon as that is known.</param>
    /// <returns>Null where it is not in the bucket.</returns>
    public async Task<UploadedShard?> StoreAsync(
        SnapshotPlan plan, StagedShard shard, SaveHandle handle, Action<UploadProgress> report, Action<KeptSave> kept)
    {
        using var tries = CancellationTokenSource.CreateLinkedTokenSource(ending);
        var wasAway = store.IsAway;
        if (spool is not null && store.IsHopeless)
        {
            kept(await spool.KeepAsync(handle, plan, shard, store.Problem));
            return null;
        }

        if (spool is not null && wasAway)
            tries.CancelAfter(TryOfWhatIsAway);
        var upload = store.UntilStoredAsync(
            plan.Step, () => uploader.UploadAsync(shard, ReportIt, tries.Token), spool?.After, tries.Token);
        if (spool is null)
            return await upload;
        await EndOrCancelAsync(upload, tries.Token);
        try
        {
            if (upload.IsCompleted)
                return await upload;
        }
        catch (Exception gone) when (gone is StoreGoneException or OperationCanceledException)
        {
            // It is kept here.
        }

        if (wasAway && store.IsAway && !ending.IsCancellationRequested)
            store.TriedInVain();
        // An upload that hangs in a store that hears of no cancelling reads the same memory, and changes nothing in it.
        var why = store.IsAway ? store.Problem : "it was being uploaded when the run was closed";
        kept(await spool.KeepAsync(handle, plan, shard, why));
        await ((Task)upload).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return null;

        void ReportIt(UploadProgress progress)
        {
            tries.CancelAfter(Timeout.InfiniteTimeSpan); // it is back
            store.Answered();
            report(progress);
        }
    }

    private static async Task EndOrCancelAsync(Task upload, CancellationToken cancel)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = cancel.Register(() => cancelled.TrySetResult());
        await Task.WhenAny(upload, cancelled.Task);
    }
}
