using System.Text.Json;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

public sealed class CliTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Every_command_answers_and_every_error_has_its_code()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using (var silo = await SiloProcess.StartAsync(place, CancellationToken.None))
        {
            await using (var trainer = ProgramRun.Trainer(
                ["train", "--run", "a", "--steps", "9", .. place.ClientSettings, "--set", "Ciuic:Save:EverySteps=3"]))
            {
                Assert.Equal(0, await trainer.ExitAsync());
            }

            var runs = await JsonAsync(place, 0, "runs", "--json");
            Assert.Equal("a", runs[0].GetProperty("run").GetString());
            var list = await JsonAsync(place, 0, "ls", "a", "--json");
            Assert.Equal([3, 6, 9], list.EnumerateArray().Select(e => e.GetProperty("step").GetInt32()));
            var shown = await JsonAsync(place, 0, "show", "a@step:6", "--json");
            var digest = shown.GetProperty("manifest").GetString()!;
            Assert.Equal("#2", await CellAsync(place, "show", $"a@{digest[..8]}"));
            await ExpectAsync(place, ExitCode.NotFound, "no snapshot '#9'", "show", "a@#9");
            await ExpectAsync(place, ExitCode.NotFound, "no run 'b'", "ls", "b");
            await ExpectAsync(place, ExitCode.Usage, "names no snapshot", "show", "a@newest");
            await ExpectAsync(place, ExitCode.Usage, "reason", "rollback", "a", "--to", "step:3");
            await ExpectAsync(place, ExitCode.Ok, "resumes from #1", "rollback", "a", "--to", "step:3", "--reason", "test");
            await silo.StopAsync(CancellationToken.None);
            await AuditAsync(place, silo.Key);
        }

        await ExpectAsync(place, ExitCode.Unreachable, "No silo answers", "runs");
    }

    [Fact]
    public async Task Help_and_usage()
    {
        await using var help = ProgramRun.Cli("--help");
        Assert.Equal(0, await help.ExitAsync());
        Assert.Contains("20 integrity failure", help.Text);
        await using var typo = ProgramRun.Cli("rnus");
        Assert.Equal(ExitCode.Usage, await typo.ExitAsync());
        await using var nowhere = ProgramRun.Cli("audit", "--store", "file:/nowhere/at/all");
        Assert.Equal(ExitCode.NotFound, await nowhere.ExitAsync());
        Assert.False(Directory.Exists("/nowhere"));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task AuditAsync(DemoPlace place, VerifierKey key)
    {
        await using (var audit = ProgramRun.Cli("audit", "--store", place.StoreUri, "--key", key.ToString()))
        {
            Assert.Equal(ExitCode.Ok, await audit.ExitAsync());
            Assert.Contains("PASSED", audit.Text);
        }

        await using (var stranger = ProgramRun.Cli(
            "audit", "--store", place.StoreUri, "--key", TestKeys.Stranger.Verifier.ToString()))
        {
            Assert.Equal(ExitCode.Integrity, await stranger.ExitAsync());
        }

        var block = Path.Combine(place.StorePath, BucketLayout.Block("main", 1).Path);
        var bytes = await File.ReadAllBytesAsync(block);
        bytes[60] ^= 1;
        await File.WriteAllBytesAsync(block, bytes);
        await using var damaged = ProgramRun.Cli("audit", "--store", place.StoreUri, "--key", key.ToString());
        Assert.Equal(ExitCode.Integrity, await damaged.ExitAsync());
        Assert.Contains("block 1", damaged.Text);
    }

    private static async Task<JsonElement> JsonAsync(DemoPlace place, int code, params string[] arguments)
    {
        await using var cli = ProgramRun.Cli([.. arguments, .. place.ClientSettings]);
        Assert.Equal(code, await cli.ExitAsync());
        return JsonDocument.Parse(cli.Text).RootElement;
    }

    private static async Task<string> CellAsync(DemoPlace place, params string[] arguments)
    {
        await using var cli = ProgramRun.Cli([.. arguments, .. place.ClientSettings]);
        Assert.Equal(0, await cli.ExitAsync());
        var line = cli.Lines.Single(l => l.StartsWith("snapshot", StringComparison.Ordinal));
        return line[line.IndexOf('#', StringComparison.Ordinal)..];
    }

    private static async Task ExpectAsync(DemoPlace place, int code, string message, params string[] arguments)
    {
        await using var cli = ProgramRun.Cli([.. arguments, .. place.ClientSettings]);
        Assert.Equal(code, await cli.ExitAsync());
        Assert.Contains(message, cli.Text);
    }
}
