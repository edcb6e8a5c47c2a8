using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>Real text as bytes: a file, or the repository's own sources and documents.</summary>
internal static class TextData
{
    private const int MaxBytes = 4 << 20;

    private static readonly string[] Kinds = [".cs", ".md", ".json", ".sql"];

    /// <exception cref="NotFoundException">There is no such file, or no repository around the program.</exception>
    /// <exception cref="InvalidInputException">The file cannot be read.</exception>
    public static byte[] Load(string? file)
    {
        if (file is null)
            return LoadRepository();
        if (!File.Exists(file))
            throw new NotFoundException($"--text: there is no file '{file}'.");
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"--text: '{file}' cannot be read: {error.Message}", error);
        }
    }

    private static byte[] LoadRepository()
    {
        var root = FindRoot()
            ?? throw new NotFoundException("Neither the program nor the current folder lies in the repository: give --text FILE.");
        var text = new MemoryStream();
        foreach (var file in SourceFiles(root).TakeWhile(_ => text.Length < MaxBytes))
            text.Write(File.ReadAllBytes(file));
        return text.ToArray();
    }

    private static string? FindRoot() => new[] { AppContext.BaseDirectory, Environment.CurrentDirectory }
        .SelectMany(Ancestors)
        .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "Ciuic.Orleans.sln")));

    private static IEnumerable<string> Ancestors(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
            yield return at.FullName;
    }

    private static IEnumerable<string> SourceFiles(string root) => new[] { "src", "hosting", "tests" }
        .Select(folder => Path.Combine(root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        .Where(file => Kinds.Contains(Path.GetExtension(file)))
        .Order(StringComparer.Ordinal);
}
