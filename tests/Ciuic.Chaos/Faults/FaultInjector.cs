using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Chaos;

/// <summary>Breaks one thing after the other, at moments that follow from a seed. Breaks may overlap.</summary>
internal sealed class FaultInjector(ChaosPlan plan, ChaosCluster cluster, IReadOnlyList<RunGroup> runs, SnapshotChain chain, Evidence evidence)
{
    private readonly FaultKind[] _kinds =
    [
        .. Enum.GetValues<FaultKind>().Where(kind => kind switch
        {
            FaultKind.SiloCutOff => cluster.Network is not null,
            FaultKind.SilosSplit => cluster.Network is not null && cluster.Silos > 1,
            _ => true,
        }),
    ];

    private readonly Random _random = new(plan.Seed);
    private readonly List<Task> _faults = [];
    private readonly SemaphoreSlim _cutting = new(1);

    /// <summary>Breaks things until the time is over and everything broken is whole again.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var end = TimeProvider.System.GetTimestamp() + (long)(plan.Duration.TotalSeconds * TimeProvider.System.TimestampFrequency);
        while (TimeProvider.System.GetTimestamp() < end)
        {
            await Task.Delay(Seconds(1, 6), cancel);
            var kind = _kinds[_random.Next(_kinds.Length)];
            Console.WriteLine($"  {evidence.Elapsed:mm\\:ss}  {kind}");
            _faults.Add(InjectAsync(kind, _random.Next(cluster.Silos), runs[_random.Next(runs.Count)], _random.Next(plan.Ranks), Seconds(1, 12)));
        }

        await Task.WhenAll(_faults);
    }

    private async Task InjectAsync(FaultKind kind, int silo, RunGroup run, int rank, TimeSpan duration)
    {
        var begin = evidence.Elapsed;
        switch (kind)
        {
            case FaultKind.SiloKilled:
                await cluster.KillSiloAsync(silo);
                evidence.Broken(kind, begin);
                await Task.Delay(duration / 4);
                await cluster.StartSiloAsync(silo);
                return;
            case FaultKind.SiloPaused:
                await cluster.PauseSiloAsync(silo, duration);
                break;
            case FaultKind.RankKilled:
                run.Kill(rank);
                break;
            case FaultKind.GatewayKilled:
                await cluster.RestartGatewayAsync();
                break;
            case FaultKind.DatabaseKilled:
                await cluster.RestartDatabaseAsync();
                break;
            case FaultKind.SiloCutOff:
                await CutAsync(duration, isCut => cluster.Network!.CutAsync(silo, isCut));
                break;
            case FaultKind.SilosSplit:
                await CutAsync(duration, isCut => cluster.Network!.SplitAsync(silo, (silo + 1) % cluster.Silos, isCut));
                break;
            case FaultKind.RunRolledBack:
                await RollBackAsync(run);
                break;
            default:
                await ChangeWeatherAsync(kind, duration);
                break;
        }

        evidence.Broken(kind, begin);
    }

    /// <summary>One cut at a time: routes that are there cannot be added.</summary>
    private async Task CutAsync(TimeSpan duration, Func<bool, Task> cut)
    {
        await _cutting.WaitAsync();
        try
        {
            await cut(true);
            await Task.Delay(duration);
            await cut(false);
        }
        finally
        {
            _cutting.Release();
        }
    }

    private async Task ChangeWeatherAsync(FaultKind kind, TimeSpan duration)
    {
        cluster.Store.Weather = kind switch
        {
            FaultKind.StorePaused => StoreWeather.Paused,
            FaultKind.StoreSlow => StoreWeather.Slow,
            _ => StoreWeather.Failing,
        };
        await Task.Delay(duration);
        cluster.Store.Weather = StoreWeather.Fair;
    }

    private async Task RollBackAsync(RunGroup run)
    {
        try
        {
            var id = RunId.Parse(run.Name);
            var head = await chain.History.FindAsync(id, new SnapshotRef.Latest());
            if (head.Order.Parent is not { } parent)
                return;
            await chain.History.RollbackAsync(id, new SnapshotRef.AtSequence(parent.Sequence), "chaos", "chaos", fenceLiveAttempt: true);
        }
        catch (CiuicException error)
        {
            Console.WriteLine($"         no rollback: {error.Message}");
        }
    }

    private TimeSpan Seconds(int least, int most) => TimeSpan.FromSeconds(least + _random.NextDouble() * (most - least));
}
