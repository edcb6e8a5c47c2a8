using System.Runtime.CompilerServices;
using Ciuic.Testing;

namespace Ciuic.EndToEnd;

/// <summary>
/// The Go program in tests/interop/go, built once per test run with what Debian installs (golang-go,
/// golang-golang-x-mod-dev) and without a network: it shares no code with ours.
/// </summary>
public sealed class GoProgram : IDisposable
{
    private const string Debian = "/usr/share/gocode";

    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<Task> _built;

    public GoProgram() => _built = new Lazy<Task>(() => BuildAsync());

    private string File => _folder.File("interop");

    /// <summary>Returns when it is built. Without Go the test that asks is skipped, or fails where Go is required.</summary>
    internal async Task ReadyAsync()
    {
        Required.Need("go", Missing());
        await _built.Value;
    }

    /// <summary>Starts one of its commands.</summary>
    internal async Task<ProgramRun> StartAsync(params IEnumerable<string> arguments)
    {
        await ReadyAsync();
        return ProgramRun.Native(File, arguments);
    }

    /// <summary>Runs one of its commands to its end.</summary>
    /// <returns>Its code and all it printed.</returns>
    internal async Task<(int Code, string Text)> RunAsync(params IEnumerable<string> arguments)
    {
        await using var run = await StartAsync(arguments);
        var code = await run.ExitAsync();
        return (code, run.Text);
    }

    public void Dispose() => _folder.Dispose();

    private async Task BuildAsync([CallerFilePath] string source = "")
    {
        var folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "..", "interop", "go"));
        var sources = Directory.GetFiles(folder, "*.go"); // without modules Go takes no absolute folder, only files
        await using var build = ProgramRun.Native("env", [
            "GO111MODULE=off", "GOFLAGS=", $"GOPATH={SourcePath()}", $"GOCACHE={_folder.File("cache")}", "CGO_ENABLED=0",
            "go", "build", "-o", File, .. sources]);
        Assert.True(await build.ExitAsync() == 0, build.Text);
    }

    private static string? Missing()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(folder => System.IO.File.Exists(Path.Combine(folder, "go"))))
            return "there is no Go on this machine's PATH (Debian: apt-get install golang-go)";
        return SourcePath() is null
            ? "the sources of golang.org/x/mod are not on GOPATH (Debian: apt-get install golang-golang-x-mod-dev)"
            : null;
    }

    private static string? SourcePath() => new[] { Environment.GetEnvironmentVariable("GOPATH"), Debian }.FirstOrDefault(
        folder => Directory.Exists(Path.Combine(folder ?? "", "src", "golang.org", "x", "mod", "sumdb", "tlog")));
}

/// <summary>Tests that share the built program; they run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class GoCollection : ICollectionFixture<GoProgram>
{
    public const string Name = "go";
}
