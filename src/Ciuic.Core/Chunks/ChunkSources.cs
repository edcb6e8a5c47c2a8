namespace Ciuic.Core;

/// <summary>Chunks at hand that another one may be stored with: its base, and what it is predicted from.</summary>
/// <param name="basis">The base, or <see cref="ChunkBase.None"/>.</param>
/// <param name="input1">The first other chunk; <see cref="ChunkBase.None"/> where nothing is predicted.</param>
/// <param name="input2">The second.</param>
public readonly ref struct ChunkSources(ChunkBase basis, ChunkBase input1, ChunkBase input2)
{
    /// <summary>Stands for a chunk that needs no other.</summary>
    public static ChunkSources None => default;

    /// <summary>The base alone.</summary>
    public ChunkSources(ChunkBase basis)
        : this(basis, ChunkBase.None, ChunkBase.None)
    {
    }

    /// <summary>What it is the difference to, or what is moved to predict it.</summary>
    public ChunkBase Base { get; } = basis;

    /// <summary>What a prediction needs besides.</summary>
    public ChunkBase Input1 { get; } = input1;

    /// <summary>What a prediction needs besides.</summary>
    public ChunkBase Input2 { get; } = input2;

    /// <summary>Whether something can be predicted.</summary>
    public bool CanPredict => !Input1.IsNone;
}
