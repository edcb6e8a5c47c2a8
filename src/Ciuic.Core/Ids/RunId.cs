using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>
/// The name of a run: 1 to 100 characters out of a-z, A-Z, 0-9, '.', '_' and '-', beginning with a letter
/// or digit. It is part of object keys, so nothing that a path could misread is allowed.
/// </summary>
[JsonConverter(typeof(ParsableJsonConverter<RunId>))]
public readonly record struct RunId : IParsable<RunId>
{
    /// <summary>The longest name allowed, in characters.</summary>
    public const int MaxLength = 100;

    private readonly string? _name;

    private RunId(string name) => _name = name;

    /// <summary>The name.</summary>
    public string Value => _name ?? throw new InvalidOperationException("A RunId has no default value.");

    /// <inheritdoc/>
    public static RunId Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var id)
            ? id
            : throw new InvalidInputException(
                $"'{s}' is not a run id: 1 to {MaxLength} letters, digits, '.', '_' or '-', "
                + "beginning with a letter or digit.");

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out RunId result)
    {
        result = default;
        if (s is not { Length: > 0 and <= MaxLength } || !char.IsAsciiLetterOrDigit(s[0]))
            return false;
        if (!s.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            return false;
        result = new RunId(s);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
