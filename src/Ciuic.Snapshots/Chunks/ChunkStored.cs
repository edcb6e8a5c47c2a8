namespace Ciuic.Snapshots;

/// <summary>How a chunk came to be in the bucket.</summary>
public enum ChunkStored
{
    /// <summary>Its bytes were written.</summary>
    Written = 1,

    /// <summary>The same bytes were there already, and were checked.</summary>
    Reused,

    /// <summary>An object of its name held other bytes; it was replaced by the right ones.</summary>
    Repaired,
}

/// <summary>The outcome of storing a chunk.</summary>
/// <param name="How">How it came to be in the bucket.</param>
/// <param name="Bytes">Bytes that went to the bucket.</param>
public readonly record struct ChunkWrite(ChunkStored How, int Bytes);
