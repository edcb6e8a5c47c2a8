using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="SnapshotLink"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.SnapshotLink")]
public struct SnapshotLinkSurrogate
{
    /// <summary>Where it is.</summary>
    [Id(0)]
    public Sequence Sequence;

    /// <summary>What it is.</summary>
    [Id(1)]
    public ManifestDigest Manifest;
}

/// <summary>Turns <see cref="SnapshotLink"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class SnapshotLinkConverter : IConverter<SnapshotLink, SnapshotLinkSurrogate>
{
    /// <inheritdoc/>
    public SnapshotLink ConvertFromSurrogate(in SnapshotLinkSurrogate surrogate) =>
        new() { Sequence = surrogate.Sequence, Manifest = surrogate.Manifest };

    /// <inheritdoc/>
    public SnapshotLinkSurrogate ConvertToSurrogate(in SnapshotLink value) =>
        new() { Sequence = value.Sequence, Manifest = value.Manifest };
}
