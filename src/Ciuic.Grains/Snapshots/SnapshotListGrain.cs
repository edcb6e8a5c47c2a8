using Ciuic.Contracts;
using Ciuic.Core;
using Orleans.Concurrency;

namespace Ciuic.Grains;

/// <summary>
/// A list of snapshots, read from their rows. One that has ended does not change, so its row says all that its grain would; the few that
/// have not are asked.
/// </summary>
[StatelessWorker, CollectionAgeLimit(Minutes = 2)]
internal sealed class SnapshotListGrain : Grain, ISnapshotListGrain
{
    /// <summary>Rows on their way at once.</summary>
    private const int ReadAtOnce = 64;

    /// <summary>An answer is not much longer: labels may have 64 KiB each.</summary>
    private const long MaxBytes = 8 << 20;

    private RunId Run => RunId.Parse(this.GetPrimaryKeyString());

    public async Task<SnapshotPage> ListAsync(long from, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(limit is >= 1 and <= 1_000, true);
        var newest = await NewestAsync();
        var views = new List<SnapshotView>();
        var (next, left, bytes) = (Math.Min(from, newest), (long)limit, 0L);
        while (next > 0 && left > 0 && bytes < MaxBytes)
        {
            var count = (int)Math.Min(Math.Min(next, left), ReadAtOnce);
            var first = next;
            var some = await Task.WhenAll(Enumerable.Range(0, count).Select(i => ReadAsync(new Sequence(first - i))));
            views.AddRange(some.OfType<SnapshotView>());
            bytes += some.OfType<SnapshotView>().Sum(SizeOf);
            (next, left) = (next - count, left - count);
        }

        return new SnapshotPage([.. views], Math.Max(0, next));
    }

    private async Task<SnapshotView?> ReadAsync(Sequence sequence)
    {
        var id = new SnapshotId(Run, sequence);
        var grain = GrainFactory.GetGrain<ISnapshotGrain>(id.ToString());
        var stored = await this.ReadRowAsync<SnapshotData>(SnapshotGrain.StateName, grain.GetGrainId());
        return stored is null || stored.Order is null ? null
            : stored.IsSettled ? stored.View(id)
            : await grain.GetAsync();
    }

    private async Task<long> NewestAsync()
    {
        var run = await GrainFactory.GetGrain<IRunGrain>(Run.Value).DescribeAsync()
            ?? throw new NotFoundException($"There is no run '{Run}'. 'ciuic runs' lists them.");
        return Math.Max(run.LastSequence, Math.Max(run.Head?.Sequence.Value ?? 0, run.Pending?.Value ?? 0));
    }

    private static long SizeOf(SnapshotView view) =>
        500 + (view.Order.Plan.Labels.Sum(l => l.Key.Length + l.Value.Length) * 2L) + (view.Order.Plan.Metrics.Count * 40L) + (view.MissingRanks.Length * 4L);
}
