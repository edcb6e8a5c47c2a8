using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="TreeHead"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.TreeHead")]
public struct TreeHeadSurrogate
{
    /// <summary>The ledger's name in the world.</summary>
    [Id(0)]
    public string Origin;

    /// <summary>Number of blocks.</summary>
    [Id(1)]
    public long Size;

    /// <summary>Root of their tree.</summary>
    [Id(2)]
    public byte[] Root;
}

/// <summary>Turns <see cref="TreeHead"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class TreeHeadConverter : IConverter<TreeHead, TreeHeadSurrogate>
{
    /// <inheritdoc/>
    public TreeHead ConvertFromSurrogate(in TreeHeadSurrogate surrogate) =>
        new(surrogate.Origin, surrogate.Size, new Digest(surrogate.Root));

    /// <inheritdoc/>
    public TreeHeadSurrogate ConvertToSurrogate(in TreeHead value) =>
        new() { Origin = value.Origin, Size = value.Size, Root = value.Root.ToArray() };
}
