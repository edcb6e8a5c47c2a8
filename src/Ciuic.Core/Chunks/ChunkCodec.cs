namespace Ciuic.Core;

/// <summary>How a chunk's plain bytes are stored. The numbers are on disk; never reuse one.</summary>
public enum ChunkCodec : byte
{
    /// <summary>As they are.</summary>
    Raw = 0,

    /// <summary>One zstd frame.</summary>
    Zstd = 1,
}
