using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// The name of an object: segments of letters, digits and <c>. _ - # =</c>, joined by '/'. No segment is empty,
/// '.' or '..', so a key can never lead out of its store.
/// </summary>
public readonly record struct ObjectKey
{
    /// <summary>S3's limit, in bytes; keys are ASCII.</summary>
    public const int MaxLength = 1024;

    private readonly string? _path;

    /// <summary>Checks and takes over a path.</summary>
    /// <exception cref="InvalidInputException">The path is no key.</exception>
    public ObjectKey(string path)
    {
        if (!IsValid(path))
            throw new InvalidInputException($"'{path}' is not an object key.");
        _path = path;
    }

    /// <summary>The path.</summary>
    public string Path => _path ?? throw new InvalidOperationException("An ObjectKey has no default value.");

    /// <summary>Takes over a path if it is a key.</summary>
    public static bool TryParse(string path, out ObjectKey key)
    {
        var valid = IsValid(path);
        key = valid ? new ObjectKey(path) : default;
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString() => Path;

    private static bool IsValid(string path) =>
        path.Length is > 0 and <= MaxLength && path.Split('/').All(IsSegment);

    private static bool IsSegment(string segment) =>
        segment is not ("" or "." or "..")
        && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '#' or '=');
}
