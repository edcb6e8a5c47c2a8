using ZstdSharp;

namespace Ciuic.Core;

/// <summary>Planes to plain bytes. Believes nothing: a hostile body is an error, whatever it says. One thread at a time.</summary>
internal sealed class PlaneUnpacker(Decompressor decompressor)
{
    /// <summary>Elements put together at once: they and their base stay in the nearest cache.</summary>
    public const int BlockElements = 8 << 10;

    private byte[] _planes = [];

    /// <summary>Fills <paramref name="plain"/>.</summary>
    /// <exception cref="CorruptException">The body is malformed; the message says why.</exception>
    /// <exception cref="ZstdException">A plane is no zstd frame.</exception>
    public void Unpack(ReadOnlySpan<byte> body, Span<byte> plain, Reference reference)
    {
        var width = PlaneBody.ReadWidth(body);
        var elements = plain.Length / width;
        if (_planes.Length < elements * width)
            _planes = GC.AllocateUninitializedArray<byte>(elements * width);
        var planes = new PlaneSet(width);
        var at = PlaneBody.TableSize(width);
        for (var p = 0; p < width; p++)
        {
            var (method, length) = PlaneBody.ReadEntry(body, p, elements);
            if (length > body.Length - at)
                throw new CorruptException($"its plane {p} is cut off");
            var stored = body.Slice(at, length);
            planes[p] = method == PlaneMethod.Raw ? stored : Inflate(stored, p, elements);
            at += length;
        }

        var whole = elements * width;
        if (body.Length - at != plain.Length - whole)
            throw new CorruptException($"{body.Length - at} bytes follow its planes, {plain.Length - whole} are left");
        Join(planes, plain[..whole], reference);
        body[at..].CopyTo(plain[whole..]);
    }

    private ReadOnlySpan<byte> Inflate(ReadOnlySpan<byte> stored, int plane, int bytes)
    {
        var target = _planes.AsSpan(plane * bytes, bytes);
        return decompressor.Unwrap(stored, target) == bytes
            ? target
            : throw new CorruptException($"its plane {plane} holds fewer than {bytes} bytes");
    }

    private static void Join(PlaneSet planes, Span<byte> plain, Reference reference)
    {
        var step = BlockElements * planes.Width;
        for (var at = 0; at < plain.Length; at += step)
        {
            var block = plain.Slice(at, Math.Min(step, plain.Length - at));
            BytePlanes.Join(planes, at / planes.Width, block);
            if (reference.Operation is { } how)
                ElementDelta.Apply(how, planes.Width, block, reference.At(at, block.Length));
        }
    }
}
