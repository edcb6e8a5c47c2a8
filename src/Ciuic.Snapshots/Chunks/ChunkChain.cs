using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Reads a chunk through what it is the difference to: from the whole one upwards, the next frame on its way while the one
/// before is decoded, in two buffers however long the chain is.
/// </summary>
internal sealed class ChunkChain(IObjectStore store, LendingPool<ChunkDecoder> decoders, BaseCache cache)
{
    /// <summary>Fills <paramref name="plain"/>, every byte checked.</summary>
    /// <exception cref="CorruptException">The chunk or a base is missing or damaged; the message names which.</exception>
    public async Task<int> ReadAsync(ChunkId id, IReadOnlyList<ChunkId> bases, Memory<byte> plain, CancellationToken cancel)
    {
        try
        {
            var length = await ReadAsync(id, bases, plain, isChecked: false, cancel);
            cache.Put(id, plain.Span, bases.Count > 0 ? bases[0] : null);
            return length;
        }
        catch (CorruptException) when (bases.Count > 0)
        {
            // The same bytes may be in the bucket whole, saved by another run or before a full snapshot.
            if (await TryReadWholeAsync(id, plain, cancel) is { } length)
                return length;
            return await ReadAsync(id, bases, plain, isChecked: true, cancel); // to say which of them it is
        }
    }

    private async Task<int> ReadAsync(
        ChunkId id, IReadOnlyList<ChunkId> bases, Memory<byte> plain, bool isChecked, CancellationToken cancel)
    {
        // Where a base is at hand, what lies below it need not be read; to say what is damaged, all of it is.
        var (known, depth) = isChecked ? (null, bases.Count) : Nearest(bases);
        using var one = new RentedBytes(depth > 0 ? plain.Length : 0);
        using var other = new RentedBytes(depth > 1 ? plain.Length : 0);
        var (below, target) = (known.AsMemory(), one.Memory);
        var next = FrameAsync(id, bases, depth - 1, plain.Length, cancel);
        for (var i = depth - 1; i >= 0; i--)
        {
            using var frame = await next;
            next = FrameAsync(id, bases, i - 1, plain.Length, cancel);
            DecodeBase(bases, i, frame.Span, target, below, isChecked);
            (below, target) = (target, i == depth - 1 ? other.Memory : below);
        }

        using var own = await next;
        using var decoder = decoders.Take();
        decoder.Value.Decode(id, own.Span, plain.Span, BaseOf(bases, -1, below));
        return own.Length;
    }

    private (byte[]? Plain, int Depth) Nearest(IReadOnlyList<ChunkId> bases)
    {
        for (var depth = 0; depth < bases.Count; depth++)
        {
            if (cache.Find(bases[depth]) is { } plain)
                return (plain, depth);
        }

        return (null, bases.Count);
    }

    private void DecodeBase(
        IReadOnlyList<ChunkId> bases, int index, ReadOnlySpan<byte> frame, Memory<byte> target, Memory<byte> below, bool isChecked)
    {
        using var decoder = decoders.Take();
        var basis = BaseOf(bases, index, below);
        if (isChecked)
            decoder.Value.Decode(bases[index], frame, target.Span, basis);
        else
            decoder.Value.DecodeBase(bases[index], frame, target.Span, basis);
    }

    private static ChunkBase BaseOf(IReadOnlyList<ChunkId> bases, int index, Memory<byte> below) =>
        index + 1 < bases.Count ? new ChunkBase(bases[index + 1], below.Span) : ChunkBase.None;

    /// <summary>The stored bytes of one of the bases, or, below 0, of the chunk itself.</summary>
    private async Task<RentedFrame> FrameAsync(
        ChunkId id, IReadOnlyList<ChunkId> bases, int index, int plainLength, CancellationToken cancel)
    {
        var name = index < 0 ? id : bases[index];
        var key = index + 1 < bases.Count ? BucketLayout.Delta(name, bases[index + 1]) : BucketLayout.Chunk(name);
        return await RentedFrame.TryReadAsync(store, key, plainLength, cancel)
            ?? throw new CorruptException(index < 0 ? $"chunk {id} is missing" : $"chunk {name}, which chunk {id} needs, is missing");
    }

    private async Task<int?> TryReadWholeAsync(ChunkId id, Memory<byte> plain, CancellationToken cancel)
    {
        using var frame = await RentedFrame.TryReadAsync(store, BucketLayout.Chunk(id), plain.Length, cancel);
        if (frame is null)
            return null;
        using var decoder = decoders.Take();
        try
        {
            decoder.Value.Decode(id, frame.Span, plain.Span, ChunkBase.None);
            return frame.Length;
        }
        catch (CorruptException)
        {
            return null;
        }
    }
}
