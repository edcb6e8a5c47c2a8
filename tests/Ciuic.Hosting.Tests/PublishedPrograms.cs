using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.Hosting.Tests;

/// <summary>
/// The programs, built as the Dockerfile builds them: from the files that it names, by its commands, in a folder of their own.
/// </summary>
public sealed class PublishedPrograms : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dockerfile _image = new();

    private string Source => _folder.File("source");

    /// <summary>What stands where in the image, here.</summary>
    public string Here(string pathInImage)
    {
        Assert.StartsWith(_image.Programs.To, pathInImage);
        return Path.Combine(_folder.File("out"), pathInImage[_image.Programs.To.Length..]);
    }

    public async ValueTask InitializeAsync()
    {
        foreach (var (source, target) in _image.Sources)
        {
            var copy = target == "./" ? Path.GetFileName(source) : target;
            Copy(Path.Combine(Yaml.Root, source), Path.Combine(Source, copy));
        }

        foreach (var command in _image.Build)
            await RunAsync(command.Replace($" {_image.Programs.From}", $" {_folder.File("out")}/", StringComparison.Ordinal));
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task RunAsync(string command)
    {
        var lines = new System.Collections.Concurrent.ConcurrentQueue<string>();
        // Compilers that outlive the command would keep its output open.
        var environment = new Dictionary<string, string> { ["MSBUILDDISABLENODEREUSE"] = "1", ["UseSharedCompilation"] = "false" };
        await using var process = ChildProcess.StartNative("bash", ["-c", $"cd '{Source}' && {command}"], lines.Enqueue, environment);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        Assert.True(await process.WaitAsync(deadline.Token) == 0, $"{command}\n{string.Join('\n', lines)}");
    }

    /// <summary>Without what builds leave behind, as Dockerfile.dockerignore has it.</summary>
    private static void Copy(string from, string to)
    {
        if (File.Exists(from))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(from, to);
            return;
        }

        foreach (var entry in Directory.EnumerateFileSystemEntries(from).Where(e => Path.GetFileName(e) is not ("bin" or "obj")))
            Copy(entry, Path.Combine(to, Path.GetFileName(entry)));
    }
}
