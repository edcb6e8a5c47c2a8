using System.Text.Json;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Chaos;

/// <summary>Sets everything up, breaks it, lets it recover, and compares.</summary>
internal sealed class ChaosRun(ChaosPlan plan)
{
    private static readonly TimeSpan RecoveryPatience = TimeSpan.FromMinutes(3);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly Evidence _evidence = new(plan.Logs);
    private readonly List<RunGroup> _runs = [];

    public async Task<int> RunAsync(FileInfo? json, CancellationToken cancel)
    {
        Console.WriteLine($"{plan.Silos} silos, {plan.Runs} runs of {plan.Ranks} ranks, seed {plan.Seed}: PostgreSQL and Ceph are started");
        if (!ChaosNetwork.IsInside)
            Console.WriteLine("  no network namespaces can be made here (Linux, root, iproute2): the way between silos is not cut");
        await using var cluster = await ChaosCluster.StartAsync(plan);
        await using var chain = await ConnectAsync(cluster);
        await chain.WaitForSiloAsync(RecoveryPatience, cancel);
        try
        {
            for (var i = 0; i < plan.Runs; i++)
                _runs.Add(new RunGroup($"run{i}", plan.Ranks, cluster.ClientSettings, _evidence));
            await UntilAllCommitAsync(cancel);
            Console.WriteLine($"  {_evidence.Elapsed:mm\\:ss}  all runs commit; now things break");
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var observing = new Observer(chain, _runs, _evidence).RunAsync(ending.Token);
            await new FaultInjector(plan, cluster, _runs, chain, _evidence).RunAsync(cancel);
            Console.WriteLine($"  {_evidence.Elapsed:mm\\:ss}  everything is whole again");
            var isAlive = await RecoversAsync(cancel);
            await Task.WhenAll(_runs.Select(r => r.EndAsync()));
            var verdict = await new FinalCheck(await cluster.OpenStoreAsync(), chain, _evidence).RunAsync([.. _runs.Select(r => r.Name)]);
            await ending.CancelAsync();
            await observing;
            return await ReportAsync(new ChaosFigures(plan, _evidence, verdict, _runs, cluster.EndedByItself), verdict, isAlive, json);
        }
        finally
        {
            foreach (var run in _runs)
                await run.DisposeAsync();
        }
    }

    private static Task<SnapshotChain> ConnectAsync(ChaosCluster cluster)
    {
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(cluster.ClientSettings.Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1])))
            .Build();
        return SnapshotChain.ConnectAsync(settings, null, new StoreSchemes(new S3Scheme()));
    }

    private async Task<bool> RecoversAsync(CancellationToken cancel)
    {
        try
        {
            await UntilAllCommitAsync(cancel);
            return true;
        }
        catch (TimeoutException error)
        {
            Console.WriteLine(error.Message);
            foreach (var line in _evidence.Chatter.TakeLast(40))
                Console.WriteLine($"    {line}");
            return false;
        }
    }

    /// <summary>Until every run has committed something that was not acknowledged before.</summary>
    private async Task UntilAllCommitAsync(CancellationToken cancel)
    {
        var begin = _evidence.Elapsed;
        while (_runs.Any(r => !_evidence.Acknowledgements.Any(a => a.Run == r.Name && a.At > begin)))
        {
            if (_evidence.Elapsed - begin > RecoveryPatience)
                throw new TimeoutException($"  {_evidence.Elapsed:mm\\:ss}  a run has committed nothing for {RecoveryPatience}");
            await Task.Delay(100, cancel);
        }
    }

    private static async Task<int> ReportAsync(ChaosFigures figures, Verdict verdict, bool isAlive, FileInfo? json)
    {
        figures.Write(Console.Out);
        foreach (var wrong in verdict.All)
            Console.WriteLine($"WRONG  {wrong}");
        Console.WriteLine(verdict.Holds && isAlive ? "Every promise held." : "NOT every promise held.");
        if (json is not null)
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(figures.ToJson(isAlive), Json));
        return verdict.Holds && isAlive ? ExitCode.Ok : ExitCode.Integrity;
    }
}
