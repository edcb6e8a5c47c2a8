using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Chaos;

/// <summary>Compares what anybody was told with what the bucket says, read by a way on which nothing is broken.</summary>
internal sealed class FinalCheck(IObjectStore store, SnapshotChain chain, Evidence evidence)
{
    private const string Ledger = "main";

    private static readonly TimeSpan EventPatience = TimeSpan.FromSeconds(30);

    public async Task<Verdict> RunAsync(IReadOnlyList<string> runs)
    {
        var committed = new Dictionary<(string, long), CommittedSnapshot>();
        var (wrong, duplicates) = (new List<string>(), new List<string>());
        foreach (var run in runs)
        {
            var history = await BucketHistory.ReadAsync(new LedgerBucket(store, Ledger), RunId.Parse(run), [], null, CancellationToken.None);
            foreach (var snapshot in history?.Snapshots ?? [])
                committed[(run, snapshot.Link.Sequence.Value)] = snapshot;
            duplicates.AddRange(await CompareEventsAsync(run));
        }

        wrong.AddRange(await AuditAsync());
        foreach (var ((run, _), snapshot) in committed)
            wrong.AddRange(await ReadAsync(run, snapshot));
        wrong.AddRange(evidence.Snapshots.Where(s => !s.IsRight).Select(s => $"somebody was given wrong bytes for {s.Run}#{s.Sequence}"));
        duplicates.AddRange(evidence.Acknowledgements
            .GroupBy(a => (a.Run, a.Sequence))
            .Where(g => g.Select(a => a.Manifest).Distinct().Count() > 1)
            .Select(g => $"ranks were told of two snapshots {g.Key.Run}#{g.Key.Sequence}"));
        return new Verdict
        {
            Lost = [.. evidence.Acknowledgements
                .Where(a => !IsThere(a.Run, a.Sequence, a.Manifest, a.Step))
                .Select(a => $"{a.Run}#{a.Sequence} of step {a.Step} was acknowledged to rank {a.Rank} at {a.At:mm\\:ss} and is not in the ledger")],
            Visible = [.. evidence.Snapshots
                .Where(s => !IsThere(s.Run, s.Sequence, s.Manifest, s.Step))
                .Select(s => $"{s.Run}#{s.Sequence} of step {s.Step} was given to somebody and is not in the ledger")],
            Wrong = wrong,
            Duplicates = duplicates,
            Committed = committed.Count,
        };

        bool IsThere(string run, long sequence, string manifest, long step) =>
            committed.TryGetValue((run, sequence), out var there) && there.Link.Manifest.ToString() == manifest && there.Step == step;
    }

    private async Task<IEnumerable<string>> AuditAsync()
    {
        var report = await BucketAudit.RunAsync(store, Ledger, TlogPolicy.Alone(), null, 8, _ => { }, CancellationToken.None);
        return report.Findings.Select(f => $"{f.Where}: {f.What}");
    }

    private async Task<IEnumerable<string>> ReadAsync(string run, CommittedSnapshot snapshot)
    {
        try
        {
            using var saved = await chain.ReadAsync(run, new SnapshotRef.AtSequence(snapshot.Link.Sequence), [KnownState.ItemName]);
            var isRight = saved.Link == snapshot.Link && KnownState.IsRight(run, snapshot.Step, saved.Items.Single());
            return isRight ? [] : [$"{run}#{snapshot.Link.Sequence} does not hold the state of step {snapshot.Step}"];
        }
        catch (CiuicException error)
        {
            return [$"{run}#{snapshot.Link.Sequence} cannot be read: {error.Message}"];
        }
    }

    private async Task<IEnumerable<string>> CompareEventsAsync(string run)
    {
        var history = new List<long>();
        await foreach (var happened in chain.History.ReadEventsAsync(RunId.Parse(run)))
            history.Add(happened.Number);
        using var deadline = new CancellationTokenSource(EventPatience);
        while (evidence.EventsOf(run).Count < history.Count && !deadline.IsCancellationRequested)
            await Task.Delay(50);
        return evidence.EventsOf(run).Take(history.Count).SequenceEqual(history)
            ? []
            : [$"the listener was not told each event of {run} once and in order"];
    }
}
