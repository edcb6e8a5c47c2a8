using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>Opens the store that a URI names: <c>file:PATH</c> or <c>memory:</c>.</summary>
public static class StoreUri
{
    /// <summary>Opens a store, without retries.</summary>
    /// <param name="uri"><c>file:PATH</c> (absolute, or relative to the current directory), or <c>memory:</c>.</param>
    /// <param name="direct">Whether a file store writes large objects past the page cache.</param>
    /// <exception cref="InvalidInputException">The URI names no store this program knows.</exception>
    /// <exception cref="UnavailableException">The store cannot be opened.</exception>
    public static IObjectStore Open(string uri, DirectWrites direct = DirectWrites.Auto)
    {
        if (uri == "memory:")
            return new MemoryObjectStore();
        if (uri.StartsWith("file:", StringComparison.Ordinal) && TryGetPath(uri["file:".Length..], out var path))
            return new FileObjectStore(path, direct);
        throw new InvalidInputException($"'{uri}' is not a store: use file:PATH or memory:.");
    }

    /// <summary>Opens a store that must be there: what only reads must not create the folder it was to look at.</summary>
    /// <exception cref="InvalidInputException">The URI names no store this program knows.</exception>
    /// <exception cref="NotFoundException">There is no such folder.</exception>
    public static IObjectStore OpenExisting(string uri)
    {
        if (uri.StartsWith("file:", StringComparison.Ordinal) && TryGetPath(uri["file:".Length..], out var path) && !Directory.Exists(path))
            throw new NotFoundException($"There is no bucket at {uri}.");
        return Open(uri);
    }

    private static bool TryGetPath(string rest, out string path)
    {
        path = HomePath.Expand(rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..] : rest);
        return path.Length > 0 && !path.Contains('\0');
    }
}
