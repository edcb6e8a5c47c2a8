using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="ShardDigest"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.ShardDigest")]
public struct ShardDigestSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public byte[] Value;
}

/// <summary>Turns <see cref="ShardDigest"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class ShardDigestConverter : IConverter<ShardDigest, ShardDigestSurrogate>
{
    /// <inheritdoc/>
    public ShardDigest ConvertFromSurrogate(in ShardDigestSurrogate surrogate) => new ShardDigest(new Digest(surrogate.Value));

    /// <inheritdoc/>
    public ShardDigestSurrogate ConvertToSurrogate(in ShardDigest value) => new() { Value = value.Digest.ToArray() };
}
