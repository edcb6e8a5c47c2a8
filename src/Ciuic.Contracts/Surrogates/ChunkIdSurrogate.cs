using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="ChunkId"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.ChunkId")]
public struct ChunkIdSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public byte[] Value;
}

/// <summary>Turns <see cref="ChunkId"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class ChunkIdConverter : IConverter<ChunkId, ChunkIdSurrogate>
{
    /// <inheritdoc/>
    public ChunkId ConvertFromSurrogate(in ChunkIdSurrogate surrogate) => new ChunkId(new Digest(surrogate.Value));

    /// <inheritdoc/>
    public ChunkIdSurrogate ConvertToSurrogate(in ChunkId value) => new() { Value = value.Digest.ToArray() };
}
