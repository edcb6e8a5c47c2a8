using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Grains;

/// <summary>The way of a snapshot to its end, a step at a time; each is repeated until it is done, whatever dies.</summary>
internal sealed partial class SnapshotGrain
{
    private static readonly TimeSpan SaidAgain = TimeSpan.FromMinutes(1);

    private (string What, long At)? _said;

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
            Say(error.Message); // the timer comes back to it, or after a crash the run
        }
    }

    /// <summary>Not at each try: a store that is away for an hour keeps thousands of snapshots, and they would fill the log with it.</summary>
    private void Say(string problem)
    {
        if (_said is { } said && said.What == problem && time.GetElapsedTime(said.At) < SaidAgain)
            return;
        _said = (problem, time.GetTimestamp());
        logger.Stuck(Id, problem);
    }

    private Task SettleAsync()
    {
        if (_settling is null or { IsCompleted: true })
            _settling = TryAdvanceAsync();
        return _settling;
    }

    private async Task TryAdvanceAsync()
    {
        _problem = null; // what kept the last try from its end does not speak against this one
        try
        {
            await AdvanceAsync();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw Draining.Leaving();
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
        await CatchUpAsync();
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

    private async Task StoreManifestAsync()
    {
        try
        {
            var digest = await WriteManifestAsync(Data.Shards);
            await ChangeAsync(d => d.State == SnapshotState.Pending ? d with { State = SnapshotState.Uploaded, Manifest = digest } : d);
        }
        catch (InvalidInputException error)
        {
            await AbortAsync(error.Message); // begun by a version that asked for less
        }
    }

    /// <summary>
    /// Writes the root manifest, if there is none yet: another activation may have written it. What the bucket has made of it is
    /// found out when the snapshot is verified, which begins with what lies there.
    /// </summary>
    private async Task<ManifestDigest> WriteManifestAsync(Dictionary<int, ShardDigest> shards)
    {
        var bytes = ManifestCodec.Encode(BuildManifest(shards));
        await store.CreateAsync(BucketLayout.Manifest(Id), bytes, _stopping.Token);
        return ManifestDigest.Of(bytes);
    }

    private async Task VerifyAsync()
    {
        _verification ??= NewVerification(anew: false);
        var verdict = await _verification.RunAsync(_stopping.Token);
        if (verdict.Complaint is not null)
        {
            await AbortAsync(verdict.Complaint);
            return;
        }

        var size = await Ledger.GetSizeAsync();
        await ChangeAsync(d => d.State == SnapshotState.Uploaded
            ? d with { State = SnapshotState.Verified, Bytes = verdict.Bytes, NotBefore = size }
            : d);
        _verification = null;
    }

    private SnapshotVerification NewVerification(bool anew)
    {
        var verifiers = new Verifiers(GrainFactory, silos, options.Value, time) { Anew = anew, Told = problem => _problem = problem };
        return new SnapshotVerification(Id, Data.Manifest!.Value, new ManifestReader(store), verifiers, options.Value, time);
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
        data with { State = SnapshotState.Aborted, Reason = Texts.Cut(reason), SettledAt = time.GetUtcNow() };

    private Manifest BuildManifest(Dictionary<int, ShardDigest> shards) =>
        SnapshotManifests.Build(Id, Data.Order!, Enumerable.Range(0, Data.Order!.Plan.WorldSize).Select(r => shards[r]).ToArray());

    private string Missing() => string.Join(", ", Data.MissingRanks.Take(10));
}
