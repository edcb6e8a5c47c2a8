using System.Globalization;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>The number of one trainer process within its run, from 0, as in PyTorch.</summary>
[JsonConverter(typeof(RankJsonConverter))]
public readonly record struct Rank : IComparable<Rank>
{
    /// <summary>More ranks than this cannot take part in one snapshot; it bounds a root manifest's size.</summary>
    public const int MaxWorldSize = 65_536;

    /// <summary>Names a rank.</summary>
    /// <exception cref="InvalidInputException">The value is negative or 65,536 and more.</exception>
    public Rank(int value)
    {
        if (value is < 0 or >= MaxWorldSize)
            throw new InvalidInputException($"{value} is not a rank: 0 to {MaxWorldSize - 1} are.");
        Value = value;
    }

    /// <summary>The number, from 0.</summary>
    public int Value { get; }

    /// <inheritdoc/>
    public int CompareTo(Rank other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
