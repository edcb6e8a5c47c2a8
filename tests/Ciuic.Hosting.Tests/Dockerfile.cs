namespace Ciuic.Hosting.Tests;

/// <summary>hosting/Dockerfile, instruction by instruction.</summary>
internal sealed class Dockerfile
{
    private readonly List<(string Name, string Arguments)> _instructions = File.ReadAllLines(Yaml.PathOf("Dockerfile"))
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(' ', 2))
        .Select(parts => (parts[0], parts[1]))
        .ToList();

    /// <summary>Who the image runs as.</summary>
    public string User => All("USER").Single();

    /// <summary>The program and its first arguments.</summary>
    public IReadOnlyList<string> EntryPoint => System.Text.Json.JsonSerializer.Deserialize<string[]>(All("ENTRYPOINT").Single())!;

    /// <summary>Files and folders of the repository that the build is given, and where it puts them.</summary>
    public IEnumerable<(string Source, string Target)> Sources => All("COPY")
        .Where(c => !c.StartsWith("--", StringComparison.Ordinal))
        .Select(c => c.Split(' '))
        .SelectMany(words => words[..^1].Select(source => (source, words[^1])));

    /// <summary>Where the built programs are, and where the image has them.</summary>
    public (string From, string To) Programs =>
        All("COPY").Single(c => c.StartsWith("--from=build ", StringComparison.Ordinal)).Split(' ') is [_, var from, var to]
            ? (from, to)
            : throw new InvalidOperationException("COPY --from=build FOLDER FOLDER is missing.");

    /// <summary>The commands that build the programs.</summary>
    public IEnumerable<string> Build => All("RUN").Where(r => r.StartsWith("dotnet ", StringComparison.Ordinal));

    public IEnumerable<string> All(string name) => _instructions.Where(i => i.Name == name).Select(i => i.Arguments);
}
