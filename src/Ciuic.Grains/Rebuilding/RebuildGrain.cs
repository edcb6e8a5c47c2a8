using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciuic.Grains;

/// <summary>
/// Rebuilds in the background, on its own scheduler; calls only look. It stores nothing itself: after a crash it begins
/// again, and finds what was rebuilt before. A run's own state is written last, so that nobody sees half a run.
/// </summary>
internal sealed class RebuildGrain(
    IObjectStore store, LedgerSigner signer, IOptions<LedgerOptions> options, TimeProvider time, ILogger<RebuildGrain> logger)
    : Grain, IRebuildGrain
{
    /// <summary>Snapshots rebuilt at once: their manifests are read from the bucket.</summary>
    private const int Parallelism = 16;

    private static readonly RebuildView Nothing = new()
    {
        HasBegun = false,
        IsOver = true,
        Problem = null,
        IsDamage = false,
        Blocks = 0,
        Snapshots = 0,
        TotalSnapshots = 0,
        Rebuilt = [],
        Kept = [],
        Damaged = [],
    };

    private readonly CancellationTokenSource _stopping = new();
    private Task _work = Task.CompletedTask;
    private RebuildView _view = Nothing;

    private string Ledger => this.GetPrimaryKeyString();

    public Task StartAsync(TreeHead? known)
    {
        options.Value.RequireOwn(Ledger);
        if (_work.IsCompleted)
        {
            _view = Nothing with { HasBegun = true, IsOver = false };
            _work = RunAsync(known);
        }

        return Task.CompletedTask;
    }

    public Task<RebuildView> DescribeAsync() => Task.FromResult(_view);

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancel)
    {
        await _stopping.CancelAsync();
        await _work.WaitAsync(cancel).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    private async Task RunAsync(TreeHead? known)
    {
        try
        {
            var runs = await ReadLedgerAsync(known);
            await ReadTracesAsync(runs);
            _view = _view with { TotalSnapshots = runs.Values.Sum(r => (long)r.Snapshots().Count()) };
            foreach (var run in runs.Values)
            {
                _stopping.Token.ThrowIfCancellationRequested();
                await TryRebuildAsync(run);
            }
        }
        catch (Exception error)
        {
            logger.RebuildFailed(Ledger, error.Message);
            _view = _view with { Problem = error.Message, IsDamage = error is CorruptException };
        }

        _view = _view with { IsOver = true };
    }

    /// <summary>One run that cannot be rebuilt keeps no other one from it; the first problem is told.</summary>
    private async Task TryRebuildAsync(RunRebuild run)
    {
        try
        {
            await RebuildAsync(run);
        }
        catch (CiuicException error)
        {
            logger.RebuildFailed(Ledger, $"run {run.Run}: {error.Message}");
            _view = _view with { Problem = _view.Problem ?? $"run {run.Run}: {error.Message}", IsDamage = _view.IsDamage || error is CorruptException };
        }
    }

    private async Task<SortedDictionary<string, RunRebuild>> ReadLedgerAsync(TreeHead? known)
    {
        var runs = new SortedDictionary<string, RunRebuild>(StringComparer.Ordinal);
        var bucket = new LedgerBucket(store, Ledger);
        await foreach (var linked in LedgerReader.ReadAsync(bucket, signer.TreeHeadVerifiers, known, _stopping.Token))
        {
            var at = DateTimeOffset.FromUnixTimeMilliseconds(linked.Block.TimeMs);
            foreach (var (line, record) in linked.Block.Facts())
                Add(Of(runs, record.Run), record, new LedgerPosition(linked.Block.Height, line), at);
            _view = _view with { Blocks = linked.After.Size };
        }

        return runs;
    }

    /// <summary>Snapshots that were never committed have spent their numbers all the same.</summary>
    private async Task ReadTracesAsync(SortedDictionary<string, RunRebuild> runs)
    {
        await foreach (var found in store.ListAsync(BucketLayout.RunsPrefix, _stopping.Token))
        {
            var parts = found.Key.Path.Split('/');
            if (parts.Length == 4 && RunId.TryParse(parts[1], null, out var run) && Sequence.TryParse(parts[2], null, out var sequence))
                Of(runs, run).SawSequence(sequence.Value);
        }
    }

    private async Task RebuildAsync(RunRebuild run)
    {
        var (grain, result) = (GrainFactory.GetGrain<IRunGrain>(run.Run.Value), run.Result(time.GetUtcNow()));
        if (await grain.DescribeAsync() is not null)
        {
            await CatchUpAsync(grain, run, result);
            return;
        }

        await RebuildSnapshotsAsync(run);
        foreach (var page in run.Events.Chunk(IHistoryPageGrain.Capacity).Index())
            await GrainFactory.GetGrain<IHistoryPageGrain>($"{run.Run}/{page.Index}").AppendAsync(page.Item);
        var isNew = await grain.RebuildAsync(result);
        _view = isNew
            ? _view with { Rebuilt = Listed(_view.Rebuilt, run.Run.Value), RebuiltRuns = _view.RebuiltRuns + 1 }
            : Kept(run);
    }

    /// <summary>A run that the database knows, maybe from an older backup. Its events stay; what the ledger has beyond them is added.</summary>
    private async Task CatchUpAsync(IRunGrain grain, RunRebuild run, RebuiltRun result)
    {
        var outcome = await grain.CatchUpAsync(result, isRebuilt: false);
        if (outcome == CatchUpOutcome.Contradicts)
        {
            await RebuildSnapshotsAsync(run);
            outcome = await grain.CatchUpAsync(result, isRebuilt: true);
        }

        _view = outcome == CatchUpOutcome.Same
            ? Kept(run)
            : _view with { Mended = Listed(_view.Mended, run.Run.Value), MendedRuns = _view.MendedRuns + 1 };
    }

    private async Task RebuildSnapshotsAsync(RunRebuild run)
    {
        foreach (var some in run.Snapshots().Chunk(Parallelism))
            await Task.WhenAll(some.Select(s => RebuildAsync(s.Id, s.Snapshot)));
    }

    private async Task RebuildAsync(SnapshotId id, RebuiltSnapshot snapshot)
    {
        var damage = await GrainFactory.GetGrain<ISnapshotGrain>(id.ToString()).RebuildAsync(snapshot);
        _view = _view with { Snapshots = _view.Snapshots + 1 };
        if (damage is not null)
            _view = Damage($"{id}: {damage}");
    }

    /// <summary>A record that contradicts its run's history spoils that run's, and no other's.</summary>
    private void Add(RunRebuild run, LedgerRecord record, LedgerPosition position, DateTimeOffset at)
    {
        try
        {
            run.Add(record, position, at);
        }
        catch (CorruptException error)
        {
            _view = Damage($"{run.Run}: {error.Message}; the record is left out");
        }
    }

    private RebuildView Kept(RunRebuild run) => _view with { Kept = Listed(_view.Kept, run.Run.Value), KeptRuns = _view.KeptRuns + 1 };

    private RebuildView Damage(string what) => _view with { Damaged = Listed(_view.Damaged, Texts.Cut(what)), Damages = _view.Damages + 1 };

    private static string[] Listed(string[] list, string one) => list.Length < RebuildView.MaxListed ? [.. list, one] : list;

    private static RunRebuild Of(SortedDictionary<string, RunRebuild> runs, RunId run)
    {
        if (!runs.TryGetValue(run.Value, out var rebuild))
            runs[run.Value] = rebuild = new RunRebuild(run);
        return rebuild;
    }
}
