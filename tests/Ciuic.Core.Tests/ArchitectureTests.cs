using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Ciuic.Core.Tests;

/// <summary>Who may use whom, read from the project files; see src/README.md.</summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Ciuic.Core"] = [],
        ["Ciuic.Storage"] = ["Ciuic.Core"],
        ["Ciuic.Snapshots"] = ["Ciuic.Core", "Ciuic.Storage"],
        ["Ciuic.Contracts"] = ["Ciuic.Core"],
        ["Ciuic.Grains"] = ["Ciuic.Core", "Ciuic.Storage", "Ciuic.Snapshots", "Ciuic.Contracts"],
        ["Ciuic.Client"] = ["Ciuic.Core", "Ciuic.Storage", "Ciuic.Snapshots", "Ciuic.Contracts"],
        ["Ciuic.Torch"] = ["Ciuic.Client"],
        ["Ciuic.Cli"] = ["Ciuic.Core", "Ciuic.Storage", "Ciuic.Snapshots", "Ciuic.Contracts", "Ciuic.Client"],
    };

    public static TheoryData<string> Projects() => [.. Directory
        .EnumerateFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories)
        .Select(Path.GetFileNameWithoutExtension)
        .OfType<string>()];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_what_it_may(string project)
    {
        var used = References(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path));
        Assert.Empty(used.Except(Allowed[project]));
    }

    [Fact]
    public void Core_knows_nothing_of_Orleans() =>
        Assert.DoesNotContain(References("Ciuic.Core", "PackageReference"), p => p.Contains("Orleans"));

    [Fact]
    public void No_project_has_a_name_that_breaks_name_lookup() =>
        Assert.Empty(Projects().Select(p => p.Data).Intersect(["Ciuic.Orleans", "Ciuic.TorchSharp"]));

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

    private static List<string> References(string project, string kind) => XDocument
        .Load(Path.Combine(Root(), "src", project, $"{project}.csproj"))
        .Descendants(kind)
        .Select(e => (string)e.Attribute("Include")!)
        .ToList();

    private static string Root([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", ".."));
}
