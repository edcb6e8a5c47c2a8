using System.Globalization;
using System.Runtime.CompilerServices;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;
using YamlDotNet.Serialization;

namespace Ciuic.Hosting.Tests;

/// <summary>The files of this repository's hosting folder, as trees of dictionaries, lists and strings.</summary>
internal static class Yaml
{
    /// <summary>The top of the repository.</summary>
    public static string Root { get; } = FindRoot();

    public static string PathOf(params string[] parts) => Path.Combine([Root, "hosting", .. parts]);

    /// <summary>A file of one document; merge keys are applied, as those who read the file do.</summary>
    public static object Load(params string[] parts)
    {
        var text = File.ReadAllText(PathOf(parts));
        var documents = new YamlStream();
        documents.Load(new StringReader(text));
        Assert.Single(documents.Documents);
        return new DeserializerBuilder().Build().Deserialize(new MergingParser(new Parser(new StringReader(text))))!;
    }

    /// <summary>What stands at a path of keys; null where nothing does.</summary>
    public static object? At(this object? node, params string[] path)
    {
        foreach (var key in path)
            node = node is Dictionary<object, object?> map && map.TryGetValue(key, out var value) ? value : null;
        return node;
    }

    /// <summary>A word that must stand there.</summary>
    public static string Text(this object? node, params string[] path) => Assert.IsType<string>(node.At(path));

    public static int Number(this object? node, params string[] path) => int.Parse(node.Text(path), CultureInfo.InvariantCulture);

    /// <summary>A list, or a single thing as a list of one; empty where there is none.</summary>
    public static IReadOnlyList<object?> List(this object? node, params string[] path) => node.At(path) switch
    {
        null => [],
        List<object?> list => list,
        var one => [one],
    };

    /// <summary>The keys of a map; empty where there is none.</summary>
    public static IReadOnlyDictionary<string, object?> Map(this object? node, params string[] path) =>
        node.At(path) is Dictionary<object, object?> map ? map.ToDictionary(p => (string)p.Key, p => p.Value) : [];

    /// <summary>Every value of a key, however deep.</summary>
    public static IEnumerable<object?> Everywhere(this object? node, string key) => node switch
    {
        Dictionary<object, object?> map => map.SelectMany(p =>
            (p.Key is string name && name == key ? [p.Value] : Enumerable.Empty<object?>()).Concat(p.Value.Everywhere(key))),
        List<object?> list => list.SelectMany(item => item.Everywhere(key)),
        _ => [],
    };

    private static string FindRoot([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", ".."));
}
