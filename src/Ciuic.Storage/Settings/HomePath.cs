using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>Paths in settings that begin with <c>~</c>: a shell would have put the home there, but settings come from files.</summary>
public static class HomePath
{
    private const string FileScheme = "file:";

    /// <summary>The path, or the <c>file:</c> URI of one, with the user's home in place of <c>~</c>.</summary>
    /// <param name="text">A setting's value; one that does not begin so is left alone.</param>
    /// <exception cref="InvalidInputException">It begins so, and there is no home.</exception>
    public static string Expand(string text)
    {
        if (text.StartsWith(FileScheme, StringComparison.Ordinal))
            return FileScheme + ExpandPath(text[FileScheme.Length..]);
        return ExpandPath(text);
    }

    private static string ExpandPath(string path)
    {
        if (path != "~" && !path.StartsWith("~/", StringComparison.Ordinal))
            return path;
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0
            ? Path.Join(home, path[1..])
            : throw new InvalidInputException($"'{path}' is below the user's home, and this user has none: set HOME, or write the whole path.");
    }
}
