using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Grains;

/// <summary>The way of a snapshot to its end, a step at a time; each is repeated until it is done, whatever dies.</summary>
internal sealed partial class SnapshotGrain
{
    /// <summary>What the timer does: whatever the snapshot is waiting for, try to go on.</summary>
    private async Task LookAsync()
    {
        if (Data.Order is null)
            return;
        if (LacksShards(Data))
        {
            if (time.GetUtcNow() < Data.Order.CreatedAt + options.Value.ShardDeadline)
                return;
            await AbortAsync($"shards of ranks {Missing()} did not arrive within {options.Value.ShardDeadline}", LacksShards);
        }

        await AbortIfOverdueAsync();
        await FinishAsync();
    }

    /// <summary>Brings the snapshot to its end and tells its run. Logs instead of throwing: it runs unattended.</summary>
    private async Task FinishAsync()
    {
        try
        {
            await SettleAsync();
            await TellRunAsync();
        }
        catch (Exception error)
        {
            logger.Stuck(Id, error.Message); // the timer comes back to it, or after a crash the run
        }
    }

    private Task SettleAsync()
    {
        if (_settling is null or { IsCompleted: true })
            _settling = TryAdvanceAsync();
        return _settling;
    }

    private async Task TryAdvanceAsync()
    {
        try
        {
            await AdvanceAsync();
        }
        catch (Exception error)
        {
            _problem = error.Message;
            throw;
        }
    }

    /// <summary>Takes one step after the other until the snapshot is committed or aborted.</summary>
    private async Task AdvanceAsync()
    {
        while (!Data.IsSettled)
        {
            if (LacksShards(Data))
                return; // nothing to do until a shard comes or the deadline passes
            await (Data.State switch
            {
                SnapshotState.Pending => StoreManifestAsync(),
                SnapshotState.Uploaded => VerifyAsync(),
                _ => CommitAsync(),
            });
            if (!Data.IsSettled)
                _ = TellReachedAsync(Data.State);
        }
    }

    /// <summary>
    /// Stores shards that are in. With the last one the manifest is written first, and both are stored as one change: dying in between
    /// leaves a manifest that is written again, from the same shards with the same bytes. Where the bucket does not answer, the shard
    /// is stored alone.
    /// </summary>
    private async Task TakeAsync(Dictionary<int, ShardDigest> shards)
    {
        var isLast = shards.Count == Data.Order!.Plan.WorldSize;
        var written = isLast ? await TryWriteManifestAsync(shards) : null;
        await ChangeAsync(d => d.State != SnapshotState.Pending ? d
            : written is { } digest ? d with { Shards = shards, State = SnapshotState.Uploaded, Manifest = digest }
            : d with { Shards = shards });
        if (Data.State == SnapshotState.Uploaded)
            _ = TellReachedAsync(SnapshotState.Uploaded);
    }

    private async Task<ManifestDigest?> TryWriteManifestAsync(Dictionary<int, ShardDigest> shards)
    {
        try
        {
            // Whoever reports a shard must not wait for a bucket that hangs, nor those who ask this snapshot meanwhile.
            return await WriteManifestAsync(shards).WaitAsync(WorthWaiting, time);
        }
        catch (Exception error)
        {
            logger.Stuck(Id, error.Message);
            return null;
        }
    }

    private async Task StoreManifestAsync()
    {
        if (await WriteManifestAsync(Data.Shards) is not { } digest)
        {
            await AbortAsync($"{BucketLayout.Manifest(Id)} exists with other bytes");
            return;
        }

        await ChangeAsync(d => d.State == SnapshotState.Pending ? d with { State = SnapshotState.Uploaded, Manifest = digest } : d);
    }

    /// <summary>Writes the root manifest, if it is not there yet: another activation may have written it.</summary>
    /// <returns>Its digest; null where other bytes are there.</returns>
    private async Task<ManifestDigest?> WriteManifestAsync(Dictionary<int, ShardDigest> shards)
    {
        var bytes = ManifestCodec.Encode(BuildManifest(shards));
        var key = BucketLayout.Manifest(Id);
        if (await store.CreateAsync(key, bytes, CancellationToken.None) == CreateResult.AlreadyExists)
        {
            var there = await store.GetAsync(key, CancellationToken.None);
            if (!there.AsSpan().SequenceEqual(bytes))
                return null;
        }

        return ManifestDigest.Of(bytes);
    }

    private async Task VerifyAsync()
    {
        var verification = new SnapshotVerification(new ManifestReader(store), GrainFactory, silos, options.Value);
        var verdict = await verification.RunAsync(BuildManifest(Data.Shards));
        if (verdict.Complaint is not null)
        {
            await AbortAsync(verdict.Complaint);
            return;
        }

        var size = await Ledger.GetSizeAsync();
        await ChangeAsync(d => d.State == SnapshotState.Uploaded
            ? d with { State = SnapshotState.Verified, Bytes = verdict.Bytes, NotBefore = size }
            : d);
    }

    private async Task CommitAsync()
    {
        var record = LedgerRecord.ForSnapshot(BuildManifest(Data.Shards), Data.Manifest!.Value);
        // The commit point lies in this call. Dying before it, or losing its answer: the record is appended again
        // and the ledger answers with the first position. Dying after it: this grain's state is behind the ledger
        // until the run's reminder wakes it, and the run settles it before anyone else trains.
        var position = await Ledger.AppendAsync(record.Encode(), Data.NotBefore);
        await ChangeAsync(d => d.State == SnapshotState.Verified
            ? d with { State = SnapshotState.Committed, Position = position, SettledAt = time.GetUtcNow() }
            : d);
        logger.Committed(Id, position);
    }

    /// <summary>
    /// A snapshot that cannot be verified must not keep its run from saving for ever. One that is verified will be committed,
    /// however long it takes.
    /// </summary>
    private async Task AbortIfOverdueAsync()
    {
        // Only what was tried: after a long night the first thing to do is to look, not to give up.
        if (_problem is not null && !Data.IsSettled && time.GetUtcNow() >= Data.Order!.CreatedAt + options.Value.SettleDeadline)
            await AbortAsync($"it could not be verified within {options.Value.SettleDeadline}: {_problem}");
    }

    /// <summary>Aborts it unless it is verified.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="still">Whether the reason still holds of the state that is found; null where it always does.</param>
    private async Task AbortAsync(string reason, Func<SnapshotData, bool>? still = null)
    {
        await ChangeAsync(d => d.State is SnapshotState.Pending or SnapshotState.Uploaded && still?.Invoke(d) != false ? Aborted(d, reason) : d);
        if (Data.State == SnapshotState.Aborted)
            logger.Aborted(Id, Data.Reason!);
    }

    private static bool LacksShards(SnapshotData data) => data is { State: SnapshotState.Pending, Order: not null } && data.MissingRanks.Length > 0;

    private SnapshotData Aborted(SnapshotData data, string reason) =>
        data with { State = SnapshotState.Aborted, Reason = reason, SettledAt = time.GetUtcNow() };

    private Manifest BuildManifest(Dictionary<int, ShardDigest> shards) =>
        SnapshotManifests.Build(Id, Data.Order!, Enumerable.Range(0, Data.Order!.Plan.WorldSize).Select(r => shards[r]).ToArray());

    private string Missing() => string.Join(", ", Data.MissingRanks.Take(10));
}
