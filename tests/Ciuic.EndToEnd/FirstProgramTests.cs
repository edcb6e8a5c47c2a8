using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>What a newcomer does: the program in README.md as it stands there, in a project of his own elsewhere, with default settings.</summary>
public sealed class FirstProgramTests : IDisposable
{
    private const string LibTorch = "libtorch-cpu-linux-x64";

    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly string Root = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task The_readmes_program_saves_into_the_silos_bucket_by_project_reference()
    {
        RequireLinux();
        var torch = Path.Combine(Root, "src", "Ciuic.Torch");
        Assert.Contains("buildTransitive/Ciuic.Torch.targets", Readme());
        await RunAsync(
            $"<ProjectReference Include=\"{Path.Combine(torch, "Ciuic.Torch.csproj")}\" />",
            $"<Import Project=\"{Path.Combine(torch, "buildTransitive", "Ciuic.Torch.targets")}\" />");
    }

    [Fact]
    public async Task The_readmes_program_saves_into_the_silos_bucket_from_packages()
    {
        RequireLinux();
        var version = $"0.0.0-test{Environment.ProcessId}";
        foreach (var project in (string[])["Core", "Storage", "Snapshots", "Contracts", "Client", "Torch"])
            await DotnetAsync(Root, "pack", $"src/Ciuic.{project}", "--no-build", "-c", Configuration, "-o", _folder.File("feed"), $"-p:Version={version}");
        await File.WriteAllTextAsync(
            _folder.File("nuget.config"),
            $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{_folder.File("packages")}" /></config>
              <fallbackPackageFolders><add key="machine" value="{MachinesPackages}" /></fallbackPackageFolders>
              <packageSources><add key="ciuic" value="{_folder.File("feed")}" /></packageSources>
            </configuration>
            """);
        await RunAsync($"<PackageReference Include=\"Ciuic.Torch\" Version=\"{version}\" />", "");
    }

    public void Dispose() => _folder.Dispose();

    private static string Configuration => AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).EndsWith("release", StringComparison.Ordinal) ? "Release" : "Debug";

    private static string MachinesPackages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set
        ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private async Task RunAsync(string reference, string import)
    {
        var project = Directory.CreateDirectory(_folder.File("my-trainer")).FullName;
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), Program());
        await File.WriteAllTextAsync(
            Path.Combine(project, "my-trainer.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                {reference}
                <PackageReference Include="{LibTorch}" Version="{LibTorchVersion()}" />
              </ItemGroup>
              {import}
            </Project>
            """);
        await DotnetAsync(project, "build", "-nodeReuse:false");
        var place = DemoPlace.Open(_folder.File("place")) with { ApiPort = FreePorts.Take(1)[0] };
        await using var silo = await SiloProcess.StartAsync(place, None);
        while (!File.Exists(place.ApiKeyFile))
            await Task.Delay(20);
        // This machine's silo is at another port than the default one; nothing else is set.
        var settings = new Dictionary<string, string>
        {
            ["Ciuic__Client__Endpoint"] = $"http://127.0.0.1:{place.ApiPort}",
            ["CIUIC_API_KEY"] = (await File.ReadAllTextAsync(place.ApiKeyFile)).Trim(),
        };
        await DotnetAsync(project, settings, "run", "--no-build");
        var snapshots = (await new CliRun(place).JsonAsync("ls", "my-model")).EnumerateArray().Select(s => s.GetProperty("step").GetInt64());
        Assert.Equal([100L, 200L], snapshots.Order());
        Assert.False(Directory.Exists(Path.Combine(project, "artifacts", "store")));
        await new CliRun(place).ExpectAsync(ExitCode.Ok, "PASSED", "audit");
        Assert.Equal(0, await silo.StopAsync(None));
    }

    /// <summary>The first program in C# that README.md shows.</summary>
    private static string Program()
    {
        const string Begin = "```csharp\n";
        var text = Readme();
        var from = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        return text[from..text.IndexOf("```", from, StringComparison.Ordinal)];
    }

    private static string Readme() => File.ReadAllText(Path.Combine(Root, "README.md"));

    /// <summary>The version that README.md names is the one that this repository is tested with.</summary>
    private static string LibTorchVersion()
    {
        var version = XDocument.Load(Path.Combine(Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .Single(p => (string?)p.Attribute("Include") == LibTorch).Attribute("Version")!.Value;
        Assert.Contains($"dotnet add package {LibTorch} --version {version}", Readme());
        return version;
    }

    private static void RequireLinux() => Assert.SkipUnless(OperatingSystem.IsLinux(), "the program is built for Linux here");

    private static Task DotnetAsync(string folder, params string[] arguments) => DotnetAsync(folder, new Dictionary<string, string>(), arguments);

    private static async Task DotnetAsync(string folder, Dictionary<string, string> environment, params string[] arguments)
    {
        var lines = new List<string>();
        environment["CI"] = "";
        string[] all = ["-c", "cd \"$0\" && exec \"$@\"", folder, ProgramFile.Dotnet, .. arguments];
        await using var process = ChildProcess.StartNative("sh", all, line =>
        {
            lock (lines)
                lines.Add(line);
        }, environment);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        var code = await process.WaitAsync(deadline.Token);
        lock (lines)
            Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)} ended with {code}:\n{string.Join('\n', lines.TakeLast(40))}");
    }

    private static string Here([CallerFilePath] string source = "") => Path.GetDirectoryName(source)!;
}
