using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// One run's records, folded into what a database would hold. Pure: the same ledger gives the same state.
/// </summary>
internal sealed class RunRebuild(RunId run)
{
    /// <summary>
    /// Attempts that never committed anything have left no trace, but their trainers may still be alive: new tokens begin
    /// above every one that can have been handed out. Tokens were numbers counted from 1 once, and are times in milliseconds, 1,024 to each,
    /// since: a minute ahead is above both, and the clock has passed it before long.
    /// </summary>
    private static readonly TimeSpan TokenGap = TimeSpan.FromMinutes(1);

    private readonly RunHistory _history = new(run);
    private readonly List<RunEvent> _events = [];
    private readonly Dictionary<long, DateTimeOffset> _committedAt = [];
    private long _lastSequence;

    public RunId Run => run;

    public long Committed => _history.Snapshots.Count;

    public IReadOnlyList<RunEvent> Events => _events;

    /// <summary>Takes in the next record.</summary>
    /// <exception cref="CorruptException">The record contradicts those before it.</exception>
    public void Add(LedgerRecord record, LedgerPosition position, DateTimeOffset at)
    {
        _history.Apply(record, position);
        var snapshot = _history.Find(record.Sequence)!;
        var isCommit = record.Kind == RecordKind.Snapshot;
        if (isCommit)
            _committedAt[record.Sequence.Value] = at;
        SawSequence(record.Sequence.Value);
        _events.Add(new RunEvent
        {
            Number = _events.Count + 1,
            Run = run,
            Kind = RunDecisions.EventOf(record.Kind),
            At = at,
            Token = record.Token,
            Sequence = record.Sequence,
            Step = snapshot.Step,
            Manifest = record.Manifest,
            Parent = isCommit ? snapshot.Parent?.Sequence : null,
            Detail = isCommit ? null : RunDecisions.DetailOf(record),
        });
    }

    /// <summary>Takes note of a snapshot that left objects in the bucket, committed or not: its number is spent.</summary>
    public void SawSequence(long sequence) => _lastSequence = Math.Max(_lastSequence, sequence);

    /// <summary>The committed snapshots, oldest first.</summary>
    public IEnumerable<(SnapshotId Id, RebuiltSnapshot Snapshot)> Snapshots() => _history.Snapshots.Select(s => (
        new SnapshotId(run, s.Link.Sequence),
        new RebuiltSnapshot
        {
            Manifest = s.Link.Manifest,
            Position = s.Position,
            CommittedAt = _committedAt[s.Link.Sequence.Value],
            Step = s.Step,
            Token = s.Token,
            Parent = s.Parent,
        }));

    /// <summary>The run's state.</summary>
    public RebuiltRun Result(DateTimeOffset now)
    {
        var before = _history.Snapshots.Count == 0 ? 0 : _history.Token.Value;
        var token = RunDecisions.NextToken(new FencingToken(before), Guid.Empty, now + TokenGap);
        return new RebuiltRun
        {
            Token = token,
            Head = _history.Head,
            HeadStep = _history.Head is { } head ? _history.Find(head.Sequence)!.Step : null,
            LastSequence = _lastSequence,
            Committed = _history.Snapshots.Count,
            LastEvent = new RunEvent
            {
                Number = _events.Count + 1,
                Run = run,
                Kind = RunEventKind.Rebuilt,
                At = now,
                Token = token,
                Sequence = _history.Head?.Sequence,
                Step = _history.Head is { } newest ? _history.Find(newest.Sequence)!.Step : null,
                Detail = $"{_history.Snapshots.Count} snapshots; every attempt of before is fenced",
            },
            Tags = _history.Tags.ToDictionary(t => t.Key, t => t.Value.Sequence),
            Pins = _history.Pins.Select(p => new Sequence(p)).ToArray(),
        };
    }
}
