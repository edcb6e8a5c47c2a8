using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Commits uploaded saves, one after the other, however long the silo is away. Bounded: when too many wait, the
/// oldest gives way to the newest.
/// </summary>
internal sealed class SaveDelivery(
    RunId run,
    RankPlace place,
    ICoordinator coordinator,
    IObjectStore store,
    RunOpening opening,
    SigningKey? key,
    int maxWaiting,
    TrainingWatch watch,
    TimeProvider time,
    ILogger logger,
    Action<UploadedSave, SaveStage> progress,
    Action<UploadedSave, Exception> failed,
    Action<UploadedSave, Exception> dropped) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2); // one wait is lost with the silo that was asked
    private static readonly TimeSpan BetweenQuestions = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FirstComplaint = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstNaming = TimeSpan.FromSeconds(8);

    private readonly LinkedList<Job> _waiting = [];
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();
    private readonly Backoff _backoff = new(time);
    private Task? _worker;
    private bool _silent;

    /// <summary>Saves that are not committed yet.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
                return _waiting.Count(j => j.Save is not null);
        }
    }

    public void Enqueue(UploadedSave save)
    {
        UploadedSave? oldest = null;
        lock (_lock)
        {
            if (_waiting.Count(j => j.Save is not null) >= maxWaiting)
                oldest = GiveWay();
            Add(new Job(save, save.Plan, ""));
        }

        if (oldest is not null)
            dropped(oldest, new UnavailableException(GaveWay(oldest.Plan)));
    }

    /// <summary>
    /// Other ranks wait for a save that this one has given up: tells them so when those before it have come to an end, as far as a
    /// silo is there to tell.
    /// </summary>
    public void Abandon(SnapshotPlan plan, string reason)
    {
        if (place.IsAlone || _ending.IsCancellationRequested)
            return;
        lock (_lock)
        {
            // Where many wait, the others learn of the oldest by their deadline.
            if (_waiting.FirstOrDefault(j => j.Save is null) is { } first && _waiting.Count(j => j.Save is null) >= maxWaiting)
                _waiting.Remove(first);
            Add(new Job(null, plan, reason));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        if (_worker is not null)
            await _worker;
        while (TakeNext() is { } left)
        {
            if (left.Save is { } save)
                dropped(save, new UnavailableException($"The run was closed before step {left.Plan.Step} was committed."));
        }
    }

    private void Add(Job job)
    {
        _waiting.AddLast(job);
        _worker ??= Task.Run(WorkAsync);
        _arrived.Release();
    }

    /// <summary>Puts the news that the oldest save is given up in its place.</summary>
    private UploadedSave GiveWay()
    {
        var node = _waiting.First!;
        while (node.Value.Save is null)
            node = node.Next!;
        var save = node.Value.Save;
        node.Value = new Job(null, save.Plan, GaveWay(save.Plan));
        if (place.IsAlone)
            _waiting.Remove(node);
        return save;
    }

    private string GaveWay(SnapshotPlan plan) => $"The save of step {plan.Step} gave way: {maxWaiting} newer ones wait for a silo.";

    private Job? TakeNext()
    {
        lock (_lock)
        {
            var next = _waiting.First?.Value;
            if (next is not null)
                _waiting.RemoveFirst();
            return next;
        }
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                await _arrived.WaitAsync(_ending.Token);
                if (TakeNext() is { } job)
                    await (job.Save is { } save ? DeliverAsync(save) : AbandonAsync(job.Plan, job.Reason));
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The run ends.
        }
    }

    private async Task DeliverAsync(UploadedSave save)
    {
        SnapshotId? begun = null;
        try
        {
            var token = await AskAsync(() => opening.TokenAsync(_ending.Token));
            var snapshot = new SnapshotId(run, await BeginAsync(token, save.Plan));
            begun = snapshot;
            var digest = await StoreManifestAsync(save, snapshot);
            await SignAsync(save, snapshot, digest);
            Accept(await AskAsync(() =>
                coordinator.CompleteShardAsync(snapshot, token, place.Rank, digest, _ending.Token)));
            progress(save, SaveStage.ShardCompleted);
            var link = await UntilSettledAsync(snapshot, save.Plan.Step);
            watch.Committed(save.ItemVersions, save.Plan.Step, link.Sequence);
            logger.Committed(run, link.Sequence, save.Plan.Step);
            save.Handle.Commit(link, () => UntilFinalAsync(snapshot));
            progress(save, SaveStage.Committed);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            dropped(save, new UnavailableException($"The run was closed before step {save.Plan.Step} was committed."));
            throw;
        }
        catch (Exception error)
        {
            failed(save, error);
            if (begun is not null && !place.IsAlone)
                await AbandonAsync(save.Plan, error.Message);
        }
    }

    private async Task AbandonAsync(SnapshotPlan plan, string reason)
    {
        try
        {
            var token = await AskAsync(() => opening.TokenAsync(_ending.Token));
            var snapshot = new SnapshotId(run, await BeginAsync(token, plan));
            await AskAsync(async () =>
            {
                await coordinator.AbandonShardAsync(snapshot, token, place.Rank, reason, _ending.Token);
                return true;
            });
        }
        catch (CiuicException)
        {
            // It is over already, or the others will find out when time runs out.
        }
    }

    private async Task<Sequence> BeginAsync(FencingToken token, SnapshotPlan plan)
    {
        while (true)
        {
            var reply = await AskAsync(() => coordinator.BeginAsync(run, token, plan, _ending.Token));
            if (reply.Outcome == BeginOutcome.Begun)
                return reply.Sequence!.Value;
            if (reply.Outcome == BeginOutcome.Fenced)
                throw Fenced();
            if (reply.Outcome == BeginOutcome.Over)
                throw new UnavailableException($"The save of step {plan.Step} has ended without this rank: another one gave it up, or time ran out.");
            await AskAsync(() => coordinator.WaitAsync(
                new SnapshotId(run, reply.Sequence!.Value), Patience, _ending.Token));
        }
    }

    private async Task<ShardDigest> StoreManifestAsync(UploadedSave save, SnapshotId snapshot)
    {
        var bytes = ManifestCodec.Encode(save.Manifest(snapshot, place.Rank));
        await StoreAsync(BucketLayout.Shard(snapshot, place.Rank), bytes);
        return ShardDigest.Of(bytes);
    }

    private async Task SignAsync(UploadedSave save, SnapshotId snapshot, ShardDigest shard)
    {
        if (key is not null)
        {
            await StoreAsync(
                BucketLayout.ShardSignature(snapshot, place.Rank),
                ShardSignature.Sign(snapshot, place.Rank, save.Plan.Step, shard, key));
        }
    }

    private async Task StoreAsync(ObjectKey name, byte[] bytes)
    {
        if (await AskAsync(() => store.CreateAsync(name, bytes, _ending.Token)) == CreateResult.Created)
            return;
        // After a lost answer, our own; both manifests and Ed25519 signatures have the same bytes every time.
        var there = await AskAsync(() => store.GetAsync(name, _ending.Token));
        if (!there.AsSpan().SequenceEqual(bytes))
            throw new ConflictException($"{name} exists with other bytes: somebody else writes as rank {place.Rank}.");
    }

    private void Accept(ShardReply reply)
    {
        switch (reply)
        {
            case ShardReply.Fenced:
                throw Fenced();
            case ShardReply.Conflict:
                throw new ConflictException($"Run {run}: another process has completed the shard of rank {place.Rank}.");
        }
    }

    private async Task<SnapshotLink> UntilSettledAsync(SnapshotId snapshot, long step)
    {
        var (begin, complainAfter, nameAfter) = (time.GetTimestamp(), FirstComplaint, FirstNaming);
        while (true)
        {
            var view = await AskAsync(() => coordinator.WaitAsync(snapshot, Patience, _ending.Token));
            if (view?.Link is { } link)
                return link;
            if (view?.State == SnapshotState.Aborted)
                throw new UnavailableException($"Snapshot {snapshot} was aborted: {view.Reason}");
            if (view is { State: SnapshotState.Pending, MissingRanks.Length: > 0 } && time.GetElapsedTime(begin) >= nameAfter)
            {
                // One that never saves is a mistake in the program: who looks at it must not have to wait for the silo's deadline.
                logger.WaitingForShards(run, step, string.Join(", ", view.MissingRanks.Take(10)));
                nameAfter *= 2;
            }

            if (time.GetElapsedTime(begin) < complainAfter)
                continue;
            // The silo gives it up at its deadline; until then the user should know why nothing new is committed.
            logger.StillWaiting(run, snapshot, $"{view?.State}", complainAfter, view?.Problem ?? "no reason is known");
            complainAfter *= 2;
        }
    }

    /// <summary>Asked for by whoever awaits it, beside other deliveries.</summary>
    private async Task UntilFinalAsync(SnapshotId snapshot)
    {
        var patient = new Backoff(time);
        while (!await patient.UntilAvailableAsync(
            () => coordinator.WaitFinalAsync(snapshot, Patience, _ending.Token), _ => { }, _ending.Token))
        {
            await Task.Delay(BetweenQuestions, time, _ending.Token); // a silo may say no at once
        }
    }

    private FencedException Fenced()
    {
        opening.Lease.MarkFenced();
        return new FencedException($"Run {run} belongs to a newer attempt; this one can save nothing any more.");
    }

    private async Task<T> AskAsync<T>(Func<Task<T>> call)
    {
        var answer = await _backoff.UntilAvailableAsync(call, Complain, _ending.Token);
        if (_silent)
            logger.SiloBack(run);
        _silent = false;
        return answer;
    }

    private void Complain(UnavailableException error)
    {
        if (!_silent)
            logger.SiloAway(run, Waiting + 1, error.Message);
        _silent = true;
    }

    /// <summary>A save to deliver, or, where there is none, one to tell the others of that it is given up.</summary>
    private sealed record Job(UploadedSave? Save, SnapshotPlan Plan, string Reason);
}
