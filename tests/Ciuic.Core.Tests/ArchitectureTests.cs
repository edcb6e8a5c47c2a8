using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Ciuic.Core.Tests;

/// <summary>Who may use whom, read from the project files; see src/README.md.</summary>
public sealed class ArchitectureTests
{
    private const string S3 = "Ciuic.Storage.S3";

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Ciuic.Core"] = [],
        ["Ciuic.Storage"] = ["Ciuic.Core"],
        [S3] = ["Ciuic.Core", "Ciuic.Storage"],
        ["Ciuic.Postgres"] = ["Ciuic.Core"],
        ["Ciuic.Snapshots"] = ["Ciuic.Core", "Ciuic.Storage"],
        ["Ciuic.Contracts"] = ["Ciuic.Core"],
        ["Ciuic.Grains"] = ["Ciuic.Core", "Ciuic.Storage", "Ciuic.Snapshots", "Ciuic.Contracts"],
        ["Ciuic.Client"] = ["Ciuic.Core", "Ciuic.Storage", "Ciuic.Snapshots", "Ciuic.Contracts"],
        ["Ciuic.Gateway"] = ["Ciuic.Client"],
        ["Ciuic.Native"] = ["Ciuic.Client"],
        ["Ciuic.Torch"] = ["Ciuic.Client"],
        ["Ciuic.Cli"] = ["Ciuic.Core", "Ciuic.Postgres", "Ciuic.Storage", "Ciuic.Snapshots", "Ciuic.Contracts", "Ciuic.Client"],
    };

    /// <summary>Programs wire everything together; the trainer is a user's program and knows no silo from within.</summary>
    private static readonly Dictionary<string, string[]> Forbidden = new()
    {
        ["Ciuic.Silo"] = [],
        ["Ciuic.Trainer"] = ["Ciuic.Silo", "Ciuic.Grains"],
    };

    /// <summary>The composition roots: they alone choose the store.</summary>
    private static readonly string[] SeeS3 = ["Ciuic.Silo", "Ciuic.Cli", "Ciuic.Native", "Ciuic.Trainer"];

    private static readonly string[] Documented = ["Ciuic.Core", "Ciuic.Contracts", "Ciuic.Client", "Ciuic.Torch"];

    public static TheoryData<string> Projects() => [.. Names("src")];

    public static TheoryData<string> Programs() => [.. Names("hosting")];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_what_it_may(string project)
    {
        var allowed = SeeS3.Contains(project) ? [.. Allowed[project], S3] : Allowed[project];
        Assert.Empty(Uses(project).Except(allowed));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_program_uses_libraries_and_not_what_it_must_not_know(string program)
    {
        var used = Uses(program).ToList();
        Assert.Empty(used.Except(Names("src")));
        Assert.Empty(used.Intersect(Forbidden[program]));
        Assert.True(SeeS3.Contains(program) || !used.Contains(S3), $"{program} must not choose the store");
    }

    [Fact]
    public void Public_members_are_documented_where_others_build_on_them() => Assert.All(
        Documented, project => Assert.Equal("true", Assert.Single(Load(project).Descendants("DocumentsPublicMembers")).Value));

    [Fact]
    public void Core_knows_nothing_of_Orleans() =>
        Assert.DoesNotContain(References("Ciuic.Core", "PackageReference"), p => p.Contains("Orleans"));

    [Fact]
    public void No_project_has_a_name_that_breaks_name_lookup() =>
        Assert.Empty(Projects().Select(p => p.Data).Intersect(["Ciuic.Orleans", "Ciuic.TorchSharp"]));

    [Fact]
    public void What_must_repeat_the_version_says_the_same()
    {
        var version = XDocument.Load(Path.Combine(Root(), "Directory.Build.props")).Descendants("Version").Single().Value;
        foreach (var (file, text) in new[]
        {
            ("src/python/pyproject.toml", $"version = \"{version}\""),
            ("src/python/ciuic_snapshot_chain/__init__.py", $"__version__ = \"{version}\""),
            ("hosting/kubernetes/kustomization.yaml", $"newTag: \"{version}\""),
        })
        {
            Assert.Contains(text, File.ReadAllText(Path.Combine(Root(), file)));
        }
    }

    [Fact]
    public void The_top_level_holds_what_belongs_there()
    {
        // The last row is what building and testing leave behind; .gitignore names both.
        string[] known =
        [
            "src", "tests", "hosting", "Ciuic.Orleans.sln", "appsettings.json", "README.md", "global.json",
            "BannedSymbols.txt", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props",
            "artifacts", "TestResults",
        ];
        var others = Directory.EnumerateFileSystemEntries(Root())
            .Select(Path.GetFileName)
            .Where(name => !name!.StartsWith('.'))
            .Except(known);
        Assert.Empty(others);
    }

    /// <summary>What a project loads; one that is only built beside it, to be started as a process, is not used.</summary>
    private static IEnumerable<string> Uses(string project) => Load(project)
        .Descendants("ProjectReference")
        .Where(e => (string?)e.Attribute("ReferenceOutputAssembly") != "false")
        .Select(e => Path.GetFileNameWithoutExtension((string)e.Attribute("Include")!));

    private static List<string> References(string project, string kind) => Load(project)
        .Descendants(kind)
        .Select(e => (string)e.Attribute("Include")!)
        .ToList();

    private static XDocument Load(string project) => XDocument.Load(new[] { "src", "hosting" }
        .Select(folder => Path.Combine(Root(), folder, project, $"{project}.csproj"))
        .First(File.Exists));

    private static List<string> Names(string folder) => Directory
        .EnumerateFiles(Path.Combine(Root(), folder), "*.csproj", SearchOption.AllDirectories)
        .Select(Path.GetFileNameWithoutExtension)
        .OfType<string>()
        .ToList();

    private static string Root([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", ".."));
}
