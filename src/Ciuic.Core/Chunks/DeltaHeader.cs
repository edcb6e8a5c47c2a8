namespace Ciuic.Core;

/// <summary>What stands before the planes of a delta: the operation and the name of the base. See FORMAT.md.</summary>
/// <param name="Operation">How the difference was taken.</param>
/// <param name="Base">The chunk it was taken to.</param>
public readonly record struct DeltaHeader(DeltaOperation Operation, ChunkId Base)
{
    /// <summary>Bytes of it.</summary>
    public const int Size = 1 + Digest.Size;

    internal static void Write(Span<byte> payload, DeltaOperation operation, ChunkId basis)
    {
        payload[0] = (byte)operation;
        basis.Digest.Span.CopyTo(payload[1..]);
    }

    /// <exception cref="CorruptException">It is cut off or names an unknown operation.</exception>
    internal static DeltaHeader Read(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Size)
            throw new CorruptException("its base is cut off");
        if (payload[0] is not ((byte)DeltaOperation.Difference or (byte)DeltaOperation.Xor))
            throw new CorruptException($"its operation {payload[0]} is unknown");
        return new DeltaHeader((DeltaOperation)payload[0], new ChunkId(new Digest(payload.Slice(1, Digest.Size))));
    }
}
