using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>Several trainer processes that train one model: one is killed, others come in other numbers.</summary>
public sealed class RanksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_killed_rank_is_replaced_by_an_attempt_that_repeats_every_loss_and_other_numbers_of_ranks_go_on()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        await using (var trainer = Train(place, "--ranks", "3", "--restarts", "1"))
        {
            await trainer.UntilAsync(l => l.StartsWith("@committed 8 ", StringComparison.Ordinal));
            Kill(trainer, rank: 1);
            await trainer.UntilAsync(l => l.Contains("restart 1 of 1", StringComparison.Ordinal));
            var before = Losses(trainer.Lines.TakeWhile(l => !l.Contains("restart 1 of 1", StringComparison.Ordinal)));
            await trainer.UntilAsync(l => l.StartsWith($"@committed {before.Keys.Max() / 4 * 4 + 8} ", StringComparison.Ordinal));
            var after = Losses(trainer.Lines.SkipWhile(l => !l.Contains("restart 1 of 1", StringComparison.Ordinal)));
            Assert.All(after.Keys.Intersect(before.Keys), step => Assert.Equal(before[step], after[step]));
            Assert.True(after.Keys.Min() >= 9);
            await EndAsync(trainer, place);
        }

        foreach (var ranks in new[] { "2", "1" })
        {
            var saved = await HeadStepAsync(place);
            await using var next = Train(place, "--ranks", ranks);
            await next.UntilAsync(l => l == $"@resumed {saved}");
            await next.UntilAsync(l => l.StartsWith("@committed", StringComparison.Ordinal));
            await EndAsync(next, place);
        }

        await new CliRun(place).ExpectAsync(ExitCode.Ok, "PASSED", "audit");
    }

    [Fact]
    public async Task What_ranks_cannot_do_is_one_line()
    {
        await using var many = ProgramRun.Trainer("train", "--ranks", "13");
        Assert.Equal(ExitCode.Usage, await many.ExitAsync());
        Assert.Contains("--ranks: 1 to 12", Assert.Single(many.Lines));
        await using var held = ProgramRun.Trainer("train", "--ranks", "2", "--hold", "step:3");
        Assert.Equal(ExitCode.Usage, await held.ExitAsync());
        Assert.Contains("not with --hold", Assert.Single(held.Lines));
    }

    public void Dispose() => _folder.Dispose();

    private static ProgramRun Train(DemoPlace place, params string[] arguments) => ProgramRun.Trainer(
        [
            "train", "--machine", "--run", "ranks", "--steps", "1000000", .. arguments,
            .. place.ClientSettings, "--set", "Ciuic:Save:EverySteps=4",
        ]);

    private static void Kill(ProgramRun launcher, int rank)
    {
        var line = launcher.Lines.Last(l => l.StartsWith($"@rank {rank} ", StringComparison.Ordinal));
        using var process = System.Diagnostics.Process.GetProcessById(int.Parse(line.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture));
        process.Kill();
    }

    /// <summary>Told to end, all ranks save after the same step and wait for its commit.</summary>
    private static async Task EndAsync(ProgramRun trainer, DemoPlace place)
    {
        trainer.Terminate();
        Assert.Equal(ExitCode.Ok, await trainer.ExitAsync());
        Assert.Equal(Losses(trainer.Lines).Keys.Max(), await HeadStepAsync(place));
    }

    private static async Task<long> HeadStepAsync(DemoPlace place) =>
        (await new CliRun(place).JsonAsync("runs")).EnumerateArray().Single().GetProperty("step").GetInt64();

    private static Dictionary<long, string> Losses(IEnumerable<string> lines)
    {
        var losses = new Dictionary<long, string>();
        foreach (var words in lines.Where(l => l.StartsWith("@loss", StringComparison.Ordinal)).Select(l => l.Split(' ')))
            losses[long.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture)] = words[2];
        return losses;
    }
}
