using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="Digest"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.Digest")]
public struct DigestSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public byte[] Value;
}

/// <summary>Turns <see cref="Digest"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class DigestConverter : IConverter<Digest, DigestSurrogate>
{
    /// <inheritdoc/>
    public Digest ConvertFromSurrogate(in DigestSurrogate surrogate) => new Digest(surrogate.Value);

    /// <inheritdoc/>
    public DigestSurrogate ConvertToSurrogate(in Digest value) => new() { Value = value.ToArray() };
}
