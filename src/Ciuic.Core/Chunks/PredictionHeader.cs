using System.Buffers.Binary;

namespace Ciuic.Core;

/// <summary>What stands before the planes of a prediction's residual: the step and the names of its sources. See FORMAT.md.</summary>
/// <param name="How">The step.</param>
/// <param name="Base">The chunk that it moves.</param>
/// <param name="Input1">The first other chunk it needs.</param>
/// <param name="Input2">The second.</param>
internal readonly record struct PredictionHeader(Prediction How, ChunkId Base, ChunkId Input1, ChunkId Input2)
{
    /// <summary>Bytes of it.</summary>
    public const int Size = 1 + (4 * sizeof(float)) + (3 * Digest.Size);

    private const int Ids = 1 + (4 * sizeof(float));

    public static void Write(Span<byte> payload, Prediction how, ChunkSources sources)
    {
        payload[0] = (byte)how.Kind;
        BinaryPrimitives.WriteSingleLittleEndian(payload[1..], how.A);
        BinaryPrimitives.WriteSingleLittleEndian(payload[5..], how.B);
        BinaryPrimitives.WriteSingleLittleEndian(payload[9..], how.C);
        BinaryPrimitives.WriteSingleLittleEndian(payload[13..], how.D);
        sources.Base.Id.Digest.Span.CopyTo(payload[Ids..]);
        sources.Input1.Id.Digest.Span.CopyTo(payload[(Ids + Digest.Size)..]);
        sources.Input2.Id.Digest.Span.CopyTo(payload[(Ids + (2 * Digest.Size))..]);
    }

    /// <exception cref="CorruptException">It is cut off or predicts what nobody knows.</exception>
    public static PredictionHeader Read(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Size)
            throw new CorruptException("its sources are cut off");
        if (payload[0] is not ((byte)PredictionKind.SecondMoment or (byte)PredictionKind.Weight))
            throw new CorruptException($"its prediction {payload[0]} is unknown");
        var how = new Prediction(
            (PredictionKind)payload[0],
            BinaryPrimitives.ReadSingleLittleEndian(payload[1..]),
            BinaryPrimitives.ReadSingleLittleEndian(payload[5..]),
            BinaryPrimitives.ReadSingleLittleEndian(payload[9..]),
            BinaryPrimitives.ReadSingleLittleEndian(payload[13..]));
        return new PredictionHeader(how, IdAt(payload, 0), IdAt(payload, 1), IdAt(payload, 2));
    }

    private static ChunkId IdAt(ReadOnlySpan<byte> payload, int index) =>
        new(new Digest(payload.Slice(Ids + (index * Digest.Size), Digest.Size)));
}
