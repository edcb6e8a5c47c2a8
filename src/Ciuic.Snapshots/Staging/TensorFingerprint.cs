using System.Buffers;
using System.IO.Hashing;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Tells by 16 bytes whether two ranks hold the same values: XXH3 with 128 bits over those of the tensor's pieces, so that one large
/// tensor keeps several cores busy. It guards against mistakes, not against forgery; what is stored has its SHA-256. See Core's FORMAT.md.
/// </summary>
internal static class TensorFingerprint
{
    /// <summary>Part of the format. A piece is read into a core's own cache and hashed there: memory is passed over once.</summary>
    private const int PieceBytes = 256 << 10;

    /// <summary>Below this, other threads would cost more than they bring.</summary>
    private const long WorthSharing = 8 << 20;

    /// <summary>Threads that read; memory has no more bandwidth for others.</summary>
    private static readonly int Readers = Math.Min(4, Environment.ProcessorCount);

    /// <summary>Writes the fingerprint of each, one after the other.</summary>
    public static void Write(IReadOnlyList<(long Length, Action<long, Memory<byte>> Copy)> tensors, Action<int, ReadOnlySpan<byte>> write)
    {
        var pieces = tensors.SelectMany((t, i) => Enumerable.Range(0, Count(t.Length)).Select(p => (Tensor: i, Piece: p))).ToList();
        var hashes = tensors.Select(t => new byte[Count(t.Length) * ReplicaRules.FingerprintBytes]).ToList();
        var degree = new ParallelOptions { MaxDegreeOfParallelism = tensors.Sum(t => t.Length) < WorthSharing ? 1 : Readers };
        Parallel.For(0, pieces.Count, degree, () => ArrayPool<byte>.Shared.Rent(PieceBytes), Hash, cache => ArrayPool<byte>.Shared.Return(cache));
        Span<byte> whole = stackalloc byte[ReplicaRules.FingerprintBytes];
        for (var i = 0; i < tensors.Count; i++)
        {
            XxHash128.Hash(hashes[i], whole);
            write(i, whole);
        }

        byte[] Hash(int at, ParallelLoopState state, byte[] cache)
        {
            var (tensor, piece) = pieces[at];
            var (length, copy) = tensors[tensor];
            var from = (long)piece * PieceBytes;
            var bytes = cache.AsMemory(0, (int)Math.Min(PieceBytes, length - from));
            copy(from, bytes);
            XxHash128.Hash(bytes.Span, hashes[tensor].AsSpan(piece * ReplicaRules.FingerprintBytes));
            return cache;
        }
    }

    private static int Count(long length) => checked((int)((length + PieceBytes - 1) / PieceBytes));
}
