using System.Diagnostics;
using System.Globalization;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Trainer;

/// <summary>
/// <c>demo</c>: the whole story with real processes. A reference without interruption, the same run killed five times,
/// a damaged snapshot, a rollback, and an audit that needs nothing but the bucket and a public key.
/// </summary>
internal sealed class DemoCommand
{
    private static readonly RunId Run = RunId.Parse(DemoPlan.Run);

    private readonly DemoPlace _place;
    private readonly DemoScreen _screen;
    private readonly TrainerProcess _trainer;
    private readonly CancellationToken _cancel;
    private readonly List<DemoPoint> _points = [];

    private DemoCommand(DemoPlace place, DemoScreen screen, string? text, CancellationToken cancel)
    {
        _place = place;
        _screen = screen;
        _trainer = new TrainerProcess(place, text);
        _cancel = cancel;
    }

    public static async Task<int> RunAsync(string? text, string? data, bool json, CancellationToken cancel)
    {
        TrainCommand.Sample(text, seed: 0); // a wrong text is an error now, not in a child process
        var demo = new DemoCommand(DemoPlace.Open(data), new DemoScreen(json), text, cancel);
        var summary = await demo.RunAsync();
        if (json)
            summary.WriteJson();
        else
            summary.Write();
        return summary.Passed ? ExitCode.Ok : ExitCode.Other;
    }

    private async Task<DemoSummary> RunAsync()
    {
        var clock = Stopwatch.StartNew();
        var reference = await TrainReferenceAsync();
        VerifierKey key;
        await using (var silo = await _screen.PartAsync("Starting a silo", _ => SiloProcess.StartAsync(_place, _cancel)))
        {
            key = silo.Key;
            _screen.Say($"  silo ready, verifier key {key}");
            await TrainAndKillAsync(reference);
            await DamageAndResumeAsync(reference);
            await RollBackAsync();
            await silo.StopAsync(_cancel);
        }

        await AuditAsync(key);
        return new DemoSummary(_points, clock.Elapsed, _place.Folder, key.ToString());
    }

    private async Task<TrainingFacts> TrainReferenceAsync()
    {
        var facts = await _screen.PartAsync($"1. Training {DemoPlan.Steps} steps without interruption: the reference", news =>
            _trainer.TrainReferenceAsync(DemoPlan.Steps, _screen.Steps(news, DemoPlan.Steps), _cancel));
        var (first, last) = (Loss(facts, 1), Loss(facts, DemoPlan.Steps));
        Show("trains for real", last < first, $"loss {Text(first)} -> {Text(last)} in {DemoPlan.Steps} steps");
        return facts;
    }

    private async Task TrainAndKillAsync(TrainingFacts reference)
    {
        var starts = new List<TrainingFacts>();
        foreach (var kill in DemoPlan.Kills.Cast<HoldPoint?>().Append(null))
        {
            var title = kill is null ? "2. Training on to the end" : $"2. Training, to be killed (SIGKILL) {Where(kill)}";
            starts.Add(await _screen.PartAsync(title, news =>
                _trainer.TrainAsync(DemoPlan.Steps, kill, _screen.Steps(news, DemoPlan.Steps), _cancel)));
            _screen.Say(starts.Count == 1
                ? "  started from scratch"
                : $"  resumed by itself from step {starts[^1].ResumedFrom}");
        }

        var resumes = starts.Skip(1).Select(s => s.ResumedFrom ?? 0).ToList();
        Show(
            "survives SIGKILL in a step, an upload, a commit",
            starts.SkipLast(1).All(s => s.Killed) && resumes.All(r => r > 0),
            $"{starts.Count(s => s.Killed)} kills, resumed from steps {string.Join(", ", resumes)}");
        var compared = starts.Sum(s => s.Losses.Count);
        var different = starts.SelectMany(s => s.Losses).Where(l => reference.Losses[l.Key] != l.Value).ToList();
        var complete = starts.SelectMany(s => s.Losses.Keys).Distinct().Count() == DemoPlan.Steps;
        Show(
            $"identical: {(complete && different.Count == 0 ? "yes" : "no")}",
            complete && different.Count == 0,
            different.Count == 0
                ? $"{compared} losses compared bit for bit, across {DemoPlan.Steps / 24} epoch boundaries"
                : $"the first difference is at step {different.Min(d => d.Key)}");
        var stalls = starts.SelectMany(s => s.Stalls).Order().ToList();
        _screen.Say($"  a save held the trainer up for {Text(stalls[stalls.Count / 2])} ms (median of {stalls.Count})");
    }

    private async Task DamageAndResumeAsync(TrainingFacts reference)
    {
        var (snapshot, step, chunk) = await BitFlip.ApplyAsync(_place, Run, _cancel);
        _screen.Say($"4. One bit of chunk {chunk.Digest.ToShortString()} of the newest snapshot {snapshot} (step {step}) is flipped");
        var steps = DemoPlan.Steps + DemoPlan.SaveEvery;
        var facts = await _screen.PartAsync("   Training on", news =>
            _trainer.TrainAsync(steps, null, _screen.Steps(news, steps), _cancel));
        facts.Damage.ForEach(damage => _screen.Say($"  {damage}"));
        var named = facts.Damage.Any(d => d.Contains($"run {Run}", StringComparison.Ordinal)
            && d.Contains($"#{snapshot.Sequence}", StringComparison.Ordinal)
            && d.Contains("tensor ", StringComparison.Ordinal)
            && d.Contains(chunk.ToString(), StringComparison.Ordinal));
        Show("damage is named: run, snapshot, tensor, chunk", named, facts.Damage.FirstOrDefault() is null
            ? "nothing was named"
            : $"{snapshot}, chunk {chunk.Digest.ToShortString()}");
        var again = facts.Losses.Where(l => l.Key <= DemoPlan.Steps).ToList();
        Show(
            "falls back to the snapshot before",
            facts.ResumedFrom == step - DemoPlan.SaveEvery && again.All(l => reference.Losses[l.Key] == l.Value),
            $"resumed from step {facts.ResumedFrom}; the {again.Count} steps repeated are identical again");
    }

    private async Task RollBackAsync()
    {
        var answer = new List<string>();
        await _screen.PartAsync($"5. Rolling back to step {DemoPlan.RollbackTo}, training on from there", async news =>
        {
            await using (var ciuic = ChildProcess.Start(
                ProgramFile.Find("Ciuic.Cli", "ciuic"),
                ["rollback", DemoPlan.Run, "--to", $"step:{DemoPlan.RollbackTo}", "--reason", "the demo wants another ending", .. _place.ClientSettings],
                answer.Add))
            {
                await ciuic.WaitAsync(_cancel);
            }

            return await _trainer.TrainAsync(
                DemoPlan.SecondBranchSteps, null, _screen.Steps(news, DemoPlan.SecondBranchSteps), _cancel);
        });
        answer.ForEach(line => _screen.Say($"  {line}"));
        var history = await BucketHistory.ReadAsync(
            new LedgerBucket(StoreUri.Open(_place.StoreUri), "main"), Run, [], null, _cancel);
        var chain = history!.Chain().Reverse().ToList();
        var other = history.Snapshots.Except(chain).ToList();
        _screen.Say($"  chain now:       {Steps(chain)}");
        _screen.Say($"  kept beside it:  {Steps(other)}");
        Show(
            "history keeps both branches after a rollback",
            chain[^1].Step == DemoPlan.SecondBranchSteps && other.Any(s => s.Step > DemoPlan.RollbackTo),
            $"head at step {chain[^1].Step}; {other.Count} snapshots on the branch left behind");
    }

    private async Task AuditAsync(VerifierKey key)
    {
        var report = await _screen.PartAsync("6. Auditing the store offline (the silo is stopped)", news =>
            BucketAudit.RunAsync(
                StoreUri.Open(_place.StoreUri), "main", TlogPolicy.Alone(key), null, Environment.ProcessorCount,
                p => news($"{p.Stage} {p.Done}{(p.Total is null ? "" : $" of {p.Total}")}"), _cancel));
        foreach (var finding in report.Findings)
            _screen.Say($"  WRONG  {finding.Where}: {finding.What}");
        Show(
            "an offline audit finds nothing wrong",
            report.Passed,
            $"{report.Blocks} signed blocks, {report.Runs.Sum(r => r.Intact)} snapshots, {report.Chunks} chunks, "
            + $"{Text(report.StoredBytes / 1e6)} MB; {report.Uncommitted} unfinished and invisible");
    }

    private void Show(string point, bool held, string evidence)
    {
        _points.Add(new DemoPoint(point, held, evidence));
        _screen.Say($"  {(held ? "yes" : "NO")}: {point} - {evidence}");
    }

    private static string Where(HoldPoint kill) => kill.Stage switch
    {
        HoldStage.Step => $"in the middle of step {kill.Step}",
        HoldStage.Upload => $"in the middle of the upload of step {kill.Step}",
        _ => $"between shard completion and commit of step {kill.Step}",
    };

    private static string Steps(IEnumerable<CommittedSnapshot> snapshots) =>
        string.Join(" ", snapshots.Select(s => s.Step));

    private static float Loss(TrainingFacts facts, long step) => BitConverter.UInt32BitsToSingle(facts.Losses[step]);

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
