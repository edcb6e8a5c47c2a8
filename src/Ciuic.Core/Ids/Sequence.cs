using System.Globalization;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>The place of a snapshot in its run: from 1, growing, never used twice.</summary>
[JsonConverter(typeof(SequenceJsonConverter))]
public readonly record struct Sequence : IParsable<Sequence>, IComparable<Sequence>
{
    private readonly long _value;

    /// <summary>Names a place.</summary>
    /// <exception cref="InvalidInputException">The value is below 1.</exception>
    public Sequence(long value)
    {
        if (value < 1)
            throw new InvalidInputException($"{value} is not a sequence: they begin at 1.");
        _value = value;
    }

    /// <summary>The place of a run's first snapshot.</summary>
    public static Sequence First => new(1);

    /// <summary>The number, 1 or more.</summary>
    public long Value => _value > 0
        ? _value
        : throw new InvalidOperationException("A Sequence has no default value.");

    /// <summary>The place after this one.</summary>
    public Sequence Next() => new(Value + 1);

    /// <inheritdoc/>
    public static Sequence Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var sequence)
            ? sequence
            : throw new InvalidInputException($"'{s}' is not a sequence: a number from 1 is needed.");

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out Sequence result)
    {
        result = default;
        if (!Decimal64.TryParse(s, out var value) || value < 1)
            return false;
        result = new Sequence(value);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(Sequence other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
