using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="ManifestDigest"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.ManifestDigest")]
public struct ManifestDigestSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public byte[] Value;
}

/// <summary>Turns <see cref="ManifestDigest"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class ManifestDigestConverter : IConverter<ManifestDigest, ManifestDigestSurrogate>
{
    /// <inheritdoc/>
    public ManifestDigest ConvertFromSurrogate(in ManifestDigestSurrogate surrogate) => new ManifestDigest(new Digest(surrogate.Value));

    /// <inheritdoc/>
    public ManifestDigestSurrogate ConvertToSurrogate(in ManifestDigest value) => new() { Value = value.Digest.ToArray() };
}
