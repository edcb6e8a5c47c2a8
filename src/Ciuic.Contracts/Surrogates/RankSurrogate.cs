using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="Rank"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.Rank")]
public struct RankSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public int Value;
}

/// <summary>Turns <see cref="Rank"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class RankConverter : IConverter<Rank, RankSurrogate>
{
    /// <inheritdoc/>
    public Rank ConvertFromSurrogate(in RankSurrogate surrogate) => new Rank(surrogate.Value);

    /// <inheritdoc/>
    public RankSurrogate ConvertToSurrogate(in Rank value) => new() { Value = value.Value };
}
