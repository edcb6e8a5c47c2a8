using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>The steps of one uploaded save to its commit, each repeated until it is answered.</summary>
/// <param name="run">The run.</param>
/// <param name="place">This rank.</param>
/// <param name="coordinator">The cluster.</param>
/// <param name="store">The bucket.</param>
/// <param name="opening">The right to write.</param>
/// <param name="key">Signs shards; null where nothing does.</param>
/// <param name="silo">Told whether the cluster answers.</param>
/// <param name="moves">Told when something has moved.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told of what takes long.</param>
/// <param name="ending">Ends all waiting: the run is being closed.</param>
internal sealed class SnapshotCommit(
    RunId run,
    RankPlace place,
    ICoordinator coordinator,
    IObjectStore store,
    RunOpening opening,
    SigningKey? key,
    SiloWatch silo,
    Movement moves,
    TimeProvider time,
    ILogger logger,
    CancellationToken ending)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2); // one wait is lost with the silo that was asked
    private static readonly TimeSpan BetweenQuestions = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FirstComplaint = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstNaming = TimeSpan.FromSeconds(8);

    private readonly Backoff _backoff = new(time);
    private int _missing;

    /// <summary>Told each time when the cluster has not answered.</summary>
    public Action OnSilence { get; init; } = () => { };

    /// <summary>The token to write under.</summary>
    public Task<FencingToken> TokenAsync() => AskAsync(() => opening.TokenAsync(ending));

    /// <summary>Begins the snapshot of a save, once the one before it is at its end.</summary>
    /// <exception cref="FencedException">A newer attempt owns the run.</exception>
    /// <exception cref="UnavailableException">Another rank has given it up.</exception>
    public async Task<SnapshotId> BeginAsync(FencingToken token, SnapshotPlan plan)
    {
        while (true)
        {
            var reply = await AskAsync(() => coordinator.BeginAsync(run, token, plan, ending));
            if (reply.Outcome == BeginOutcome.Begun)
                return new SnapshotId(run, reply.Sequence!.Value);
            if (reply.Outcome == BeginOutcome.Fenced)
                throw Fenced();
            if (reply.Outcome == BeginOutcome.Over)
                throw new UnavailableException($"The save of step {plan.Step} has ended without this rank: another one gave it up, or time ran out.");
            await WaitAsync(new SnapshotId(run, reply.Sequence!.Value));
        }
    }

    /// <summary>Stores what the snapshot is made of here, and says so.</summary>
    public async Task CompleteShardAsync(UploadedSave save, SnapshotId snapshot, FencingToken token)
    {
        var bytes = ManifestCodec.Encode(save.Manifest(snapshot, place.Rank));
        var digest = ShardDigest.Of(bytes);
        await StoreAsync(BucketLayout.Shard(snapshot, place.Rank), bytes);
        if (key is not null)
        {
            await StoreAsync(
                BucketLayout.ShardSignature(snapshot, place.Rank), ShardSignature.Sign(snapshot, place.Rank, save.Plan.Step, digest, key));
        }

        switch (await AskAsync(() => coordinator.CompleteShardAsync(snapshot, token, place.Rank, digest, ending)))
        {
            case ShardReply.Fenced:
                throw Fenced();
            case ShardReply.Conflict:
                throw new ConflictException($"Run {run}: another process has completed the shard of rank {place.Rank}.");
        }
    }

    /// <summary>Waits for the commit.</summary>
    /// <exception cref="UnavailableException">The snapshot was aborted; the message says why.</exception>
    public async Task<SnapshotLink> UntilSettledAsync(SnapshotId snapshot, long step)
    {
        var (begin, complainAfter, nameAfter) = (time.GetTimestamp(), FirstComplaint, FirstNaming);
        while (true)
        {
            var view = await WaitAsync(snapshot);
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
    public async Task UntilFinalAsync(SnapshotId snapshot)
    {
        var patient = new Backoff(time);
        while (!await patient.UntilAvailableAsync(
            () => coordinator.WaitFinalAsync(snapshot, Patience, ending), _ => { }, ending))
        {
            await Task.Delay(BetweenQuestions, time, ending); // a silo may say no at once
        }
    }

    /// <summary>Ends a snapshot of which this rank will store nothing: what stood pending would hold up all that come behind it.</summary>
    public async Task AbandonAsync(SnapshotId snapshot, FencingToken token, string reason)
    {
        try
        {
            await AskAsync(async () =>
            {
                await coordinator.AbandonShardAsync(snapshot, token, place.Rank, reason, ending);
                return true;
            });
        }
        catch (Exception error) when (error is not OperationCanceledException || !ending.IsCancellationRequested)
        {
            // It is over already, or the others will find out when time runs out.
        }
    }

    private async Task StoreAsync(ObjectKey name, byte[] bytes)
    {
        if (await AskAsync(() => store.CreateAsync(name, bytes, ending)) == CreateResult.Created)
            return;
        // After a lost answer, our own; both manifests and Ed25519 signatures have the same bytes every time.
        var there = await AskAsync(() => store.GetAsync(name, ending));
        if (!there.AsSpan().SequenceEqual(bytes))
            throw new ConflictException($"{name} exists with other bytes: somebody else writes as rank {place.Rank}.");
    }

    /// <summary>
    /// A snapshot that a problem keeps from going on, or that waits for ranks that do not come, does not move, however often the silo answers.
    /// </summary>
    private async Task<SnapshotView?> WaitAsync(SnapshotId snapshot)
    {
        var view = await UntilAnsweredAsync(() => coordinator.WaitAsync(snapshot, Patience, ending));
        var missing = view is { State: SnapshotState.Pending } ? view.MissingRanks.Length : 0;
        if (view?.Problem is null && (missing == 0 || missing != _missing))
            moves.Mark();
        _missing = missing;
        return view;
    }

    private FencedException Fenced()
    {
        opening.Lease.MarkFenced();
        return new FencedException($"Run {run} belongs to a newer attempt; this one can save nothing any more.");
    }

    private async Task<T> AskAsync<T>(Func<Task<T>> call)
    {
        var answer = await UntilAnsweredAsync(call);
        moves.Mark();
        return answer;
    }

    private async Task<T> UntilAnsweredAsync<T>(Func<Task<T>> call)
    {
        var answer = await _backoff.UntilAvailableAsync(
            call,
            error =>
            {
                silo.NotAnswered(error);
                OnSilence();
            },
            ending);
        silo.Answered();
        return answer;
    }
}
