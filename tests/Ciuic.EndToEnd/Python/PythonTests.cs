using System.Text.Json;
using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>PyTorch scripts, through a silo's gateway.</summary>
public sealed class PythonTests : PythonSilo
{
    private const int Kills = 20;

    private static string Script => Path.Combine(PythonProgram.Package(), "examples", "train_lm.py");

    private static string[] Training => ["--epochs", "4", "--batches", "20", "--save-every", "2"];

    /// <summary>They start many programs that load torch.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData("test_tree.py")]
    [InlineData("test_optimizer.py")]
    [InlineData("test_config.py")]
    [InlineData("test_chain.py")]
    [InlineData("test_endings.py")]
    [InlineData("test_sigterm.py")]
    [InlineData("test_origin.py")]
    [InlineData("test_loaders.py")]
    [InlineData("test_values.py")]
    [InlineData("test_ranks.py")]
    [InlineData("test_adapters.py")]
    public async Task The_packages_own_tests_pass(string file)
    {
        var config = PythonProgram.Configure(Place, "own");
        await using var python = PythonProgram.Start(
            Place, [Path.Combine(PythonProgram.Package(), "tests", file)], $"CIUIC_TEST_CONFIG={config}");
        Assert.True(await python.ExitAsync(Patience) == 0, python.Text);
        Assert.Contains("OK", python.Lines);
    }

    [Fact]
    public async Task The_wheel_holds_all_that_a_program_needs()
    {
        var (source, wheels, site) = (Folder.File("source"), Folder.File("wheels"), Folder.File("site"));
        await RunAsync("cp", "-r", PythonProgram.Package(), source);
        await RunAsync(PythonProgram.Python, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", source, "-w", wheels);
        var wheel = Assert.Single(Directory.GetFiles(wheels));
        Assert.Matches(@"-py3-none-linux_\w+\.whl$", wheel);
        await RunAsync(PythonProgram.Python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", site, wheel);
        const string Program = """
            import sys, torch, ciuic_snapshot_chain
            assert ciuic_snapshot_chain.__file__.startswith(sys.argv[1]), ciuic_snapshot_chain.__file__
            with ciuic_snapshot_chain.CiuicSnapshotChain(sys.argv[2]) as chain:
                print(chain.save_snapshot({"model": {"w": torch.ones(3)}}, blocking=True).result()["sequence"])
            """;
        await using var python = PythonProgram.Start(
            Place, ["-c", Program, site, PythonProgram.Configure(Place, "wheel")], $"PYTHONPATH={site}");
        Assert.True(await python.ExitAsync() == 0, python.Text);
        Assert.Equal("1", python.Lines.Last());
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        await using var run = ProgramRun.Native(program, arguments);
        Assert.True(await run.ExitAsync() == 0, run.Text);
    }

    [Fact]
    public async Task A_script_that_is_killed_again_and_again_continues_bit_for_bit()
    {
        await using var straight = Start("straight");
        Assert.True(await straight.ExitAsync() == 0, straight.Text);
        var expected = straight.Lines.Where(IsTraining).ToList();

        var (seen, random, seed) = (new Dictionary<string, string>(), new Random(11), 11);
        for (var kill = 0; ; kill++)
        {
            await using var python = Start("killed");
            if (kill < Kills)
                await KillAsync(python, random);
            var code = await python.ExitAsync();
            foreach (var line in python.Lines.Where(IsTraining))
                Assert.True(seen.TryAdd(Key(line), line) || seen[Key(line)] == line, $"seed {seed}, kill {kill}: {line} was {seen[Key(line)]}");
            if (kill < Kills)
                continue;
            Assert.True(code == 0, python.Text);
            break;
        }

        Assert.Equal(expected, expected.Select(line => seen[Key(line)]));
        await new CliRun(Place).ExpectAsync(ExitCode.Ok, "PASSED", "audit");
    }

    [Fact]
    public async Task A_dead_gateway_stops_no_training_and_the_next_start_resumes_from_what_was_saved_meanwhile()
    {
        var settings = new Dictionary<string, string> { ["Ciuic:Save:SpoolAfter"] = "00:00:00" };
        var config = PythonProgram.Configure(Place, "dead", settings);
        await using (var python = PythonProgram.Start(Place, [Script, "--config", config, .. Training]))
        {
            while (python.Lines.Count(IsTraining) < 5)
                await Task.Delay(20);
            await Silo!.DisposeAsync(); // SIGKILL
            Silo = null;
            var before = python.Lines.Count(IsTraining);
            await python.UntilAsync(l => l.Contains("NOT COMMITTED", StringComparison.Ordinal));
            await python.UntilAsync(_ => python.Lines.Count(IsTraining) > before + 10);
            python.Kill();
            await python.ExitAsync();
        }

        Silo = await SiloProcess.StartAsync(Place, CancellationToken.None);
        var synced = await RunModuleAsync(config, "sync");
        var newest = JsonDocument.Parse(await RunModuleAsync(config, "--json", "list")).RootElement[0];
        Assert.EndsWith($": committed as #{newest.GetProperty("sequence")}", synced);

        await using var straight = Start("undisturbed");
        await using var again = PythonProgram.Start(Place, [Script, "--config", config, .. Training]);
        Assert.True(await again.ExitAsync() == 0 && await straight.ExitAsync() == 0, again.Text + straight.Text);
        var lines = again.Lines.Where(IsTraining).ToList();
        Assert.Equal(newest.GetProperty("next_sample").GetInt32(), straight.Lines.Count(IsTraining) - lines.Count);
        Assert.Equal(straight.Lines.Where(IsTraining).TakeLast(lines.Count), lines);
    }

    private async Task<string> RunModuleAsync(string config, params string[] arguments)
    {
        await using var module = PythonProgram.Start(Place, ["-m", "ciuic_snapshot_chain", "--config", config, .. arguments]);
        Assert.True(await module.ExitAsync() == 0, module.Text);
        return module.Lines.Last();
    }

    /// <summary>At once, in a step, or in a save, wherever the dice fall.</summary>
    private static async Task KillAsync(ProgramRun python, Random random)
    {
        var steps = random.Next(1, 5);
        while (python.Lines.Count(IsTraining) < steps && !python.Lines.Any(l => l.StartsWith("final", StringComparison.Ordinal)))
            await Task.Delay(5);
        await Task.Delay(random.Next(0, 100));
        python.Kill();
    }

    private static bool IsTraining(string line) => line.Contains(" 0x", StringComparison.Ordinal) || line.StartsWith("final", StringComparison.Ordinal);

    /// <summary>Epoch and batch; the loss behind them must be the same each time.</summary>
    private static string Key(string line) => line[..line.LastIndexOf(' ')];

    private ProgramRun Start(string run) => PythonProgram.Start(
        Place, [Script, "--config", PythonProgram.Configure(Place, run), .. Training]);
}
