using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>
/// A movable name of a snapshot, unique in its run, such as <c>best</c>: 1 to 100 characters out of a-z, A-Z, 0-9, '.',
/// '_' and '-', beginning with a letter or digit.
/// </summary>
[JsonConverter(typeof(ParsableJsonConverter<TagName>))]
public readonly record struct TagName : IParsable<TagName>
{
    /// <summary>The longest name allowed, in characters.</summary>
    public const int MaxLength = RunId.MaxLength;

    private readonly string? _name;

    private TagName(string name) => _name = name;

    /// <summary>The name.</summary>
    public string Value => _name ?? throw new InvalidOperationException("A TagName has no default value.");

    /// <inheritdoc/>
    public static TagName Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var tag)
            ? tag
            : throw new InvalidInputException(
                $"'{s}' is not a tag: 1 to {MaxLength} letters, digits, '.', '_' or '-', beginning with a letter or digit.");

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out TagName result)
    {
        var fits = RunId.TryParse(s, provider, out var same); // the same characters are safe in both
        result = fits ? new TagName(same.Value) : default;
        return fits;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
