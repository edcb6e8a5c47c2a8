namespace Ciuic.Core;

/// <summary>How a chunk's plain bytes are stored. The numbers are on disk; never reuse one.</summary>
public enum ChunkCodec : byte
{
    /// <summary>As they are.</summary>
    Raw = 0,

    /// <summary>One zstd frame.</summary>
    Zstd = 1,

    /// <summary>Bytes of equal significance together, each such plane as it is or as one zstd frame.</summary>
    Planes = 2,

    /// <summary>The difference to another chunk of the same length, in planes.</summary>
    Delta = 3,

    /// <summary>What is left when a training step is replayed on other chunks of the same length, in planes.</summary>
    Prediction = 4,
}
