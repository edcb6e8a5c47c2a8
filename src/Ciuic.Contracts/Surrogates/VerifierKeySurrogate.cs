using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="VerifierKey"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.VerifierKey")]
public struct VerifierKeySurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public string Value;
}

/// <summary>Turns <see cref="VerifierKey"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class VerifierKeyConverter : IConverter<VerifierKey, VerifierKeySurrogate>
{
    /// <inheritdoc/>
    public VerifierKey ConvertFromSurrogate(in VerifierKeySurrogate surrogate) => VerifierKey.Parse(surrogate.Value);

    /// <inheritdoc/>
    public VerifierKeySurrogate ConvertToSurrogate(in VerifierKey value) => new() { Value = value.ToString() };
}
