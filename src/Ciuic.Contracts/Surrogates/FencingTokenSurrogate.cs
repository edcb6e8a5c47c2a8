using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="FencingToken"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.FencingToken")]
public struct FencingTokenSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public ulong Value;
}

/// <summary>Turns <see cref="FencingToken"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class FencingTokenConverter : IConverter<FencingToken, FencingTokenSurrogate>
{
    /// <inheritdoc/>
    public FencingToken ConvertFromSurrogate(in FencingTokenSurrogate surrogate) => new FencingToken(surrogate.Value);

    /// <inheritdoc/>
    public FencingTokenSurrogate ConvertToSurrogate(in FencingToken value) => new() { Value = value.Value };
}
