using System.Text.Json;
using Ciuic.Core;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>The command <c>ciuic</c> against the silo and bucket of a place.</summary>
internal sealed class CliRun(DemoPlace place)
{
    /// <summary>Runs a command that must end with a code and say something.</summary>
    public async Task ExpectAsync(int code, string message, params string[] arguments)
    {
        await using var cli = ProgramRun.Cli([.. arguments, .. place.ClientSettings]);
        var ended = await cli.ExitAsync();
        Assert.True(code == ended && cli.Text.Contains(message, StringComparison.Ordinal), $"code {ended}: {cli.Text}");
    }

    /// <summary>Runs a command that must succeed, and reads its JSON.</summary>
    public async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        await using var cli = ProgramRun.Cli([.. arguments, "--json", .. place.ClientSettings]);
        Assert.True(await cli.ExitAsync() == ExitCode.Ok, cli.Text);
        return JsonDocument.Parse(cli.Text[cli.Text.IndexOfAny(['[', '{'])..]).RootElement;
    }

    /// <summary>Trains a run to a step, saving every third.</summary>
    public async Task<IReadOnlyCollection<string>> TrainAsync(int code, string run, int steps, params string[] settings)
    {
        await using var trainer = ProgramRun.Trainer(
        [
            "train", "--machine", "--run", run, "--steps", $"{steps}", .. place.ClientSettings,
            "--set", "Ciuic:Save:EverySteps=3", .. settings,
        ]);
        var ended = await trainer.ExitAsync();
        Assert.True(code == ended, $"code {ended}: {trainer.Text}");
        return trainer.Lines;
    }
}
