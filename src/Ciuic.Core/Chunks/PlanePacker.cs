using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Ciuic.Core;

/// <summary>
/// Plain bytes, or their difference to a base, to planes. A plane that looks random stays as it is; one of few values is
/// packed by Huffman codes alone, several times faster than looking for repeats that numbers do not have; one that is
/// nearly constant by level 1, which finds its runs. One packer serves one thread at a time.
/// </summary>
internal sealed class PlanePacker : IDisposable
{
    /// <summary>Elements turned at once: they and their planes stay in the nearest cache.</summary>
    public const int BlockElements = 8 << 10;

    /// <summary>Elements that an estimate looks at: a few are enough to choose, and each chunk is estimated several times.</summary>
    private const int EstimateElements = 4 << 10;

    private const int EstimatePieces = 4;
    private const int MaxWidth = 8;

    /// <summary>Bits of entropy from which a plane stays raw: measured, mantissas gain 0 to 8 %.</summary>
    private const double RandomBits = 7;

    /// <summary>Bits of entropy below which runs are worth looking for: Huffman takes one bit at least.</summary>
    private const double FlatBits = 1;

    /// <summary>The fastest level there is; it finds no repeats, so that literals are all that is left.</summary>
    private const int HuffmanLevel = -131_072;

    /// <summary>ZSTD_c_literalCompressionMode, and its value for always Huffman; the enum has no name for it.</summary>
    private const ZSTD_cParameter LiteralMode = (ZSTD_cParameter)1002;

    private readonly Compressor _huffman = new(HuffmanLevel);
    private readonly Compressor _runs = new(level: 1);
    private readonly byte[] _block = new byte[BlockElements * MaxWidth];
    private byte[] _planes = [];

    public PlanePacker() => _huffman.SetParameter(LiteralMode, 1);

    /// <summary>Bytes that a packed body may take at most.</summary>
    public static int MaxBody(int plainLength) => PlaneBody.TableSize(MaxWidth) + plainLength;

    /// <summary>
    /// The part of the plain bytes that would be left, judged by samples from all over them: 0 to 1.
    /// </summary>
    public double Estimate(ReadOnlySpan<byte> plain, int width, Reference reference)
    {
        const int pieceElements = EstimateElements / EstimatePieces;
        var elements = plain.Length / width;
        Reserve(EstimateElements * width);
        if (elements <= EstimateElements)
        {
            Split(plain, 0, elements, width, reference, elements, 0);
            return EstimatePlanes(width, elements);
        }

        for (var i = 0; i < EstimatePieces; i++)
        {
            var first = (int)((long)(elements - pieceElements) * i / (EstimatePieces - 1));
            Split(plain, first, pieceElements, width, reference, EstimateElements, i * pieceElements);
        }

        return EstimatePlanes(width, EstimateElements);
    }

    /// <summary>Writes a body.</summary>
    /// <returns>Its length.</returns>
    public int Pack(ReadOnlySpan<byte> plain, int width, Reference reference, Span<byte> body)
    {
        var elements = plain.Length / width;
        Reserve(elements * width);
        Split(plain, 0, elements, width, reference, elements, 0);
        body[0] = (byte)width;
        var at = PlaneBody.TableSize(width);
        for (var p = 0; p < width; p++)
        {
            var (method, length) = PackPlane(_planes.AsSpan(p * elements, elements), body[at..]);
            PlaneBody.WriteEntry(body, p, method, length);
            at += length;
        }

        var tail = plain[(elements * width)..];
        tail.CopyTo(body[at..]);
        return at + tail.Length;
    }

    public void Dispose()
    {
        _huffman.Dispose();
        _runs.Dispose();
    }

    private (PlaneMethod, int) PackPlane(ReadOnlySpan<byte> plane, Span<byte> destination)
    {
        var bits = ByteEntropy.Sample(plane);
        var compressor = bits < FlatBits ? _runs : _huffman;
        // Room for less than the plane itself: what does not shrink is given up.
        if (bits < RandomBits && plane.Length > 0 && compressor.TryWrap(plane, destination[..(plane.Length - 1)], out var length))
            return (PlaneMethod.Zstd, length);
        plane.CopyTo(destination);
        return (PlaneMethod.Raw, plane.Length);
    }

    /// <summary>Some elements into the buffer's planes, which lie a stride apart, from a place in them on.</summary>
    private void Split(ReadOnlySpan<byte> plain, int first, int count, int width, Reference reference, int stride, int place)
    {
        for (var done = 0; done < count; done += BlockElements)
        {
            var (at, bytes) = ((first + done) * width, Math.Min(BlockElements, count - done) * width);
            var block = plain.Slice(at, bytes);
            if (reference.Operation is { } how)
            {
                ElementDelta.Take(how, width, block, reference.At(at, bytes), _block);
                block = _block.AsSpan(0, bytes);
            }

            BytePlanes.Split(block, width, _planes.AsSpan(place + done), stride);
        }
    }

    private double EstimatePlanes(int width, int stride)
    {
        var bits = 0.0;
        for (var p = 0; p < width; p++)
        {
            var plane = ByteEntropy.Of(_planes.AsSpan(p * stride, stride));
            bits += plane < RandomBits ? plane : 8;
        }

        return bits / (8 * width);
    }

    private void Reserve(int bytes)
    {
        if (_planes.Length < bytes)
            _planes = GC.AllocateUninitializedArray<byte>(bytes);
    }
}
