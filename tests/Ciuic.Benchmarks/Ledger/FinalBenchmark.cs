using Ciuic.Cli;
using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>How long until an append is committed, and until two of three witnesses have cosigned it.</summary>
internal static class FinalBenchmark
{
    private const int Callers = 16;

    public static async Task RunAsync(LedgerPlan plan, string folder, BenchmarkReport report)
    {
        foreach (var interval in new[] { 1_000, 100 })
        {
            var home = Path.Combine(folder, $"final-{interval}");
            await using var witnesses = await ThreeWitnesses.StartAsync(home);
            var trust = new LedgerTrust(witnesses.Policy, HttpWitness.Of(witnesses.Policy, TimeSpan.FromSeconds(10)), null);
            await using var silo = await LedgerSilo.StartAsync(home, TimeSpan.FromMilliseconds(interval), trust);
            var appenders = await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => silo.AppenderAsync()));
            var (name, length) = ($"publishing every {interval} ms", plan.Length * 2);
            report.Add(await Load.RunAsync($"append to committed, {name}", "records", Callers, length, c => appenders[c]()));
            report.Add(await Load.RunAsync($"append to final, {name}", "records", Callers, length, c => FinalAsync(silo, appenders[c])));
        }
    }

    private static async Task FinalAsync(LedgerSilo silo, Func<Task<LedgerPosition>> append)
    {
        var position = await append();
        while (!await silo.Ledger.WaitFinalAsync(position.Height, TimeSpan.FromSeconds(10)))
        {
        }
    }
}
