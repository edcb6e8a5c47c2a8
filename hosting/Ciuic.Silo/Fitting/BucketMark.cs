using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Silo;

/// <summary>Which bucket belongs to a database: the identity as it lies in the bucket, and where that was seen last.</summary>
internal sealed record BucketMark(BucketIdentity Identity, string Location)
{
    /// <summary>Its name in the database.</summary>
    public const string Name = "bucket";

    public string Encode() => $"{StrictUtf8.Decode(Identity.Encode(), "the identity")}{Location}\n";

    /// <exception cref="CorruptException">The text is none.</exception>
    public static BucketMark? Parse(string? text, string database)
    {
        if (text is null)
            return null;
        var lines = text.Split('\n');
        return lines.Length == 3 && BucketIdentity.TryDecode(StrictUtf8.Encode(lines[0] + "\n")) is { } identity
            ? new BucketMark(identity, lines[1])
            : throw new CorruptException($"{database}: what it says about its bucket (table CiuicMemory, name '{Name}') cannot be read.");
    }
}
