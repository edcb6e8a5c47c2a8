using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="Sequence"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.Sequence")]
public struct SequenceSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public long Value;
}

/// <summary>Turns <see cref="Sequence"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class SequenceConverter : IConverter<Sequence, SequenceSurrogate>
{
    /// <inheritdoc/>
    public Sequence ConvertFromSurrogate(in SequenceSurrogate surrogate) => new Sequence(surrogate.Value);

    /// <inheritdoc/>
    public SequenceSurrogate ConvertToSurrogate(in Sequence value) => new() { Value = value.Value };
}
