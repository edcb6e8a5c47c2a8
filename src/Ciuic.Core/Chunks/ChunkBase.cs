namespace Ciuic.Core;

/// <summary>A chunk at hand that another one of the same length may be stored as the difference to.</summary>
/// <param name="id">Its name.</param>
/// <param name="plain">Its plain bytes.</param>
public readonly ref struct ChunkBase(ChunkId id, ReadOnlySpan<byte> plain)
{
    /// <summary>Stands for a chunk that needs none.</summary>
    public static ChunkBase None => default;

    /// <summary>Whether there is none.</summary>
    public bool IsNone => Plain.IsEmpty;

    /// <summary>Its name.</summary>
    public ChunkId Id { get; } = id;

    /// <summary>Its plain bytes.</summary>
    public ReadOnlySpan<byte> Plain { get; } = plain;
}
