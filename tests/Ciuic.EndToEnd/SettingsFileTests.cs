using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

public sealed class SettingsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("Ciuic.Silo", "Ciuic.Silo")]
    [InlineData("Ciuic.Trainer", "Ciuic.Trainer", "train", "--steps", "1")]
    [InlineData("Ciuic.Cli", "ciuic", "runs")]
    public async Task A_settings_file_that_is_no_JSON_is_one_clear_line_and_code_2(
        string project, string name, params string[] arguments)
    {
        var program = CopyWithSettings(ProgramFile.Find(project, name), "{ \"Ciuic\": ");
        var lines = new List<string>();
        await using var run = ChildProcess.Start(program, arguments, lines.Add);
        Assert.Equal(ExitCode.Usage, await run.WaitAsync(CancellationToken.None));
        Assert.Contains("appsettings.json cannot be read", Assert.Single(lines));
    }

    [Fact]
    public async Task Without_the_file_every_option_has_the_default_of_its_code()
    {
        var program = CopyWithSettings(ProgramFile.Find("Ciuic.Cli", "ciuic"), settings: null);
        var lines = new List<string>();
        await using var run = ChildProcess.Start(program, ["silo", "health", "--set", "Ciuic:Silo:HealthPort=1"], lines.Add);
        Assert.Equal(ExitCode.Unreachable, await run.WaitAsync(CancellationToken.None));
        Assert.Contains("127.0.0.1:1", Assert.Single(lines));
        await using var runs = ChildProcess.Start(program, ["audit", "--set", "Ciuic:Store:Uri=file:/nowhere/at/all"], lines.Add);
        Assert.Equal(ExitCode.NotFound, await runs.WaitAsync(CancellationToken.None));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The program with another settings file beside it, or none; what is large is linked to.</summary>
    private string CopyWithSettings(string program, string? settings)
    {
        var source = Path.GetDirectoryName(program)!;
        foreach (var entry in Directory.EnumerateFileSystemEntries(source))
        {
            var copy = _folder.File(Path.GetFileName(entry));
            if (Path.GetFileNameWithoutExtension(entry).StartsWith(Path.GetFileNameWithoutExtension(program), StringComparison.Ordinal))
                File.Copy(entry, copy);
            else if (Directory.Exists(entry))
                Directory.CreateSymbolicLink(copy, entry);
            else
                File.CreateSymbolicLink(copy, entry);
        }

        var file = _folder.File("appsettings.json");
        File.Delete(file);
        if (settings is not null)
            File.WriteAllText(file, settings);
        return _folder.File(Path.GetFileName(program));
    }
}
