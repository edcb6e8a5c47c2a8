using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// A snapshot that this activation has found on its way may have ended long ago: the database may be an older copy. Before it is
/// brought further, the ledger is looked at. To append its record again, or behind what history has gone on with, would make the
/// ledger contradict itself for ever.
/// </summary>
internal sealed partial class SnapshotGrain
{
    private bool _mayBeOld;

    private async Task CatchUpAsync()
    {
        if (!_mayBeOld)
            return;
        var tail = GrainFactory.GetGrain<ILedgerTailGrain>(ledger.Value.Name);
        var places = (await tail.FindAsync(Id.Run, Data.Order!.NotBefore)).Places;
        var records = places.Length == 0 ? [] : await tail.ReadAsync(places);
        if (records.Any(placed => placed.Record.Run != Id.Run))
            throw new UnavailableException($"Snapshot {Id}: a block and its bundle in ledger '{ledger.Value.Name}' differ; it is looked at again.");
        // The first of them decides: a commit behind what has passed it contradicts history, and is left out by all who read the ledger.
        var first = records.FirstOrDefault(r => IsCommit(r) || IsPast(r));
        if (first is not null && IsCommit(first))
            await RebuildAsync(RebuiltOf(first));
        else if (first is not null)
            await ChangeAsync(d => d.IsSettled ? d : Aborted(d, $"history has gone on without it, see {first.Place}: the database was older than the ledger"));
        _mayBeOld = false;
    }

    private bool IsCommit(PlacedRecord placed) => placed.Record is { Kind: RecordKind.Snapshot } record && record.Sequence == Id.Sequence;

    private bool IsPast(PlacedRecord placed)
    {
        var record = placed.Record;
        return record.Token.CompareTo(Data.Order!.Token) > 0
            || (record.Kind == RecordKind.Snapshot && record.Sequence.CompareTo(Id.Sequence) > 0);
    }

    private Contracts.RebuiltSnapshot RebuiltOf(PlacedRecord placed) => new()
    {
        Manifest = placed.Record.Manifest,
        Position = placed.Place,
        CommittedAt = placed.At,
        Step = placed.Record.Step!.Value,
        Token = placed.Record.Token,
        Parent = Data.Order!.Parent,
    };
}
