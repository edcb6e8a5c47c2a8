using System.Globalization;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>
/// The right of one attempt to write to its run. It grows with every attempt and is checked at every write;
/// a smaller one than the newest is refused as fenced.
/// </summary>
[JsonConverter(typeof(FencingTokenJsonConverter))]
public readonly record struct FencingToken(ulong Value) : IComparable<FencingToken>
{
    /// <summary>The token before any attempt: fences nobody, may write nothing.</summary>
    public static FencingToken None => new(0);

    /// <summary>The token of the next attempt.</summary>
    public FencingToken Next() => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(FencingToken other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
