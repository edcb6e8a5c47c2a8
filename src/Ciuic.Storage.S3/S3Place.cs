using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>A bucket, and what the keys of ours begin with there.</summary>
/// <param name="Bucket">The bucket's name.</param>
/// <param name="Prefix">Empty, or ends in '/'.</param>
internal sealed record S3Place(string Bucket, string Prefix)
{
    public const string Forms = "s3://BUCKET/PREFIX";

    private const string Begin = "s3://";

    /// <summary>The name of an object in the bucket.</summary>
    public string NameOf(ObjectKey key) => Prefix + key.Path;

    public static bool IsOne(string uri) => uri.StartsWith(Begin, StringComparison.Ordinal);

    /// <summary>Takes a URI apart.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    public static S3Place Parse(string uri)
    {
        var parts = uri[Begin.Length..].Split('/', 2);
        if (!IsBucket(parts[0]))
            throw new InvalidInputException($"'{uri}' names no bucket: use {Forms}; buckets have 3 to 63 of a-z, 0-9, '.' and '-'.");
        var prefix = parts.Length == 2 ? parts[1].TrimEnd('/') : "";
        if (prefix.Length > 0 && !ObjectKey.TryParse(prefix, out _))
            throw new InvalidInputException($"'{uri}': the prefix '{prefix}' is no object key.");
        return new S3Place(parts[0], prefix.Length == 0 ? "" : prefix + "/");
    }

    private static bool IsBucket(string name) =>
        name.Length is >= 3 and <= 63
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-')
        && char.IsAsciiLetterOrDigit(name[0])
        && char.IsAsciiLetterOrDigit(name[^1]);
}
