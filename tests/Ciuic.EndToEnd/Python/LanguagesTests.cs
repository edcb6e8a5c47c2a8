using System.Security.Cryptography;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Configuration;

namespace Ciuic.EndToEnd;

/// <summary>A run that TorchSharp began goes on in PyTorch, and in TorchSharp again: one format, to the bit.</summary>
public sealed class LanguagesTests : PythonSilo
{
    private const string Run = "both";

    [Fact]
    public async Task A_run_of_TorchSharp_goes_on_in_PyTorch_and_back()
    {
        await TrainInTorchSharpAsync(20, "nothing to restore");
        var saved = await DigestsAsync();
        var lines = await TrainInPyTorchAsync(40);
        Assert.Equal($"@resumed 20 {saved.Model} {saved.Moments} {saved.Random}", lines[0]);

        // Loaded and saved again without a step between, every byte is what it was.
        var between = await DigestsAsync();
        Assert.Equal(between, (await TrainInPyTorchAsync(40))[0].Split(' ') is [_, "40", var model, var moments, var random] ? (model, moments, random) : default);

        var report = await TrainInTorchSharpAsync(60, "step 40");
        Assert.All(["model", "optimizer", "rng"], item => Assert.Matches($@"restored  {item}\b", report));
        var last = await DigestsAsync();
        Assert.Equal($"@resumed 60 {last.Model} {last.Moments} {last.Random}", (await TrainInPyTorchAsync(60))[0]);
        await new CliRun(Place).ExpectAsync(ExitCode.Ok, "PASSED", "audit");
    }

    private async Task<string> TrainInTorchSharpAsync(int steps, string says)
    {
        await using var trainer = ProgramRun.Trainer(
            ["train", "--run", Run, "--steps", $"{steps}", .. Place.ClientSettings, "--set", "Ciuic:Save:EverySteps=20"]);
        Assert.True(await trainer.ExitAsync() == ExitCode.Ok, trainer.Text);
        Assert.Contains(says, trainer.Text);
        return trainer.Text;
    }

    private async Task<List<string>> TrainInPyTorchAsync(int steps)
    {
        var script = Path.Combine(PythonProgram.Package(), "examples", "continue_gpt.py");
        await using var python = PythonProgram.Start(
            Place, [script, "--config", PythonProgram.Configure(Place, Run), "--steps", $"{steps}", "--save-every", "20"]);
        Assert.True(await python.ExitAsync() == 0, python.Text);
        return [.. python.Lines.Where(l => l.StartsWith('@'))];
    }

    /// <summary>SHA-256 over the tensors of the model, over the moments of its optimizer, and over the generator's state.</summary>
    private async Task<(string Model, string Moments, string Random)> DigestsAsync()
    {
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(Place.ClientSettings.Where(s => s != "--set").Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1])))
            .Build();
        await using var chain = await SnapshotChain.ConnectAsync(settings);
        using var snapshot = await chain.ReadAsync(Run, new SnapshotRef.Latest(), []);
        var items = snapshot.Items.ToDictionary(i => i.Item);
        var (model, optimizer) = (items["model"], items["optimizer"]);
        var parameters = Enumerable.Range(0, optimizer.Tensors.Keys.Count(n => n.EndsWith(".exp_avg", StringComparison.Ordinal)));
        return (
            Digest(model, model.Tensors.Keys),
            Digest(optimizer, parameters.SelectMany(i => new[] { $"{i}.exp_avg", $"{i}.exp_avg_sq" })),
            Convert.ToHexStringLower(SHA256.HashData(items["rng"].TryReadBytes("cpu")!)));
    }

    private static string Digest(SavedItem item, IEnumerable<string> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in tensors)
            item.ReadTensor(name, (_, bytes) => hash.AppendData(bytes.Span));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
