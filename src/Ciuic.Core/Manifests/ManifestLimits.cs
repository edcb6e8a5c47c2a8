namespace Ciuic.Core;

/// <summary>
/// What a manifest may hold at most. The parsers refuse more, so that a hostile object cannot exhaust memory.
/// </summary>
public static class ManifestLimits
{
    /// <summary>Bytes of a shard manifest: about 500,000 tensors or a 1 TiB shard in 4 MiB chunks.</summary>
    public const int MaxShardManifestBytes = 256 << 20;

    /// <summary>Bytes of a root manifest: 65,536 ranks and generous metadata.</summary>
    public const int MaxManifestBytes = 16 << 20;

    /// <summary>Plain bytes of one chunk.</summary>
    public const int MaxChunkBytes = 64 << 20;

    /// <summary>Differences and predictions that may lie, one behind the other, between a chunk and one that is stored whole.</summary>
    public const int MaxDeltaChain = 64;

    /// <summary>Other chunks that one may need in all: three for each link of the longest chain, and some.</summary>
    public const int MaxFamily = 256;

    /// <summary>Characters of an item's, tensor's or label's name.</summary>
    public const int MaxNameLength = 1_000;

    /// <summary>Dimensions of a tensor.</summary>
    public const int MaxDimensions = 64;

    /// <summary>Labels or metrics of one snapshot.</summary>
    public const int MaxLabels = 1_000;

    /// <summary>Bytes of one label's text, in UTF-8.</summary>
    public const int MaxLabelBytes = 4 << 10;

    /// <summary>Bytes of all labels of one snapshot, names and texts: labels are read with every list of snapshots.</summary>
    public const int MaxAllLabelBytes = 64 << 10;
}
