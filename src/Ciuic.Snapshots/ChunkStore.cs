using System.Collections.Concurrent;
using Ciuic.Core;
using Ciuic.Storage;

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

/// <summary>
/// Chunks in a bucket. Encoders and decoders are kept and lent to one caller at a time. Thread-safe.
/// </summary>
public sealed class ChunkStore(IObjectStore store) : IDisposable
{
    private readonly ConcurrentBag<ChunkEncoder> _encoders = [];
    private readonly ConcurrentBag<ChunkDecoder> _decoders = [];

    /// <summary>Stores plain bytes under their name.</summary>
    /// <returns>How, and the bytes that went to the bucket.</returns>
    public async Task<(ChunkStored How, int Bytes)> StoreAsync(
        ChunkId id, ReadOnlyMemory<byte> plain, CancellationToken cancel)
    {
        var key = BucketLayout.Chunk(id);
        if (await store.GetLengthAsync(key, cancel) is not null && await IsIntactAsync(id, cancel))
            return (ChunkStored.Reused, 0);
        if (!_encoders.TryTake(out var encoder))
            encoder = new ChunkEncoder();
        try
        {
            var frame = encoder.Encode(plain.Span);
            if (await store.CreateAsync(key, frame, cancel) == CreateResult.Created)
                return (ChunkStored.Written, frame.Length);
            if (await IsIntactAsync(id, cancel))
                return (ChunkStored.Reused, 0);
            // What lies there is provably not what its name says, so nobody can be reading it: replace it in
            // one step by the bytes that are. It is never absent, whenever this process dies.
            await store.PutAsync(key, frame, cancel);
            return (ChunkStored.Repaired, frame.Length);
        }
        finally
        {
            _encoders.Add(encoder);
        }
    }

    /// <summary>Reads a chunk into exactly <paramref name="plain"/> and checks it.</summary>
    /// <exception cref="CorruptException">It is missing or damaged.</exception>
    public async Task ReadAsync(ChunkId id, Memory<byte> plain, CancellationToken cancel)
    {
        var frame = await GetFrameAsync(id, cancel);
        WithDecoder(decoder => decoder.Decode(id, frame, plain.Span));
    }

    /// <summary>Reads a chunk only to check that it is there, whole, and of this plain length.</summary>
    /// <exception cref="CorruptException">It is missing or damaged.</exception>
    public async Task<int> CheckAsync(ChunkId id, int plainLength, CancellationToken cancel)
    {
        var frame = await GetFrameAsync(id, cancel);
        WithDecoder(decoder =>
        {
            var plain = decoder.Decode(id, frame);
            if (plain.Length != plainLength)
                throw new CorruptException($"chunk {id} has {plain.Length} bytes, the manifest says {plainLength}");
        });
        return frame.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var encoder in _encoders)
            encoder.Dispose();
        foreach (var decoder in _decoders)
            decoder.Dispose();
    }

    private async Task<byte[]> GetFrameAsync(ChunkId id, CancellationToken cancel) =>
        await store.GetAsync(BucketLayout.Chunk(id), cancel) ?? throw new CorruptException($"chunk {id} is missing");

    private async Task<bool> IsIntactAsync(ChunkId id, CancellationToken cancel)
    {
        try
        {
            var frame = await GetFrameAsync(id, cancel);
            WithDecoder(decoder => decoder.Decode(id, frame));
            return true;
        }
        catch (CorruptException)
        {
            return false;
        }
    }

    private void WithDecoder(Action<ChunkDecoder> use)
    {
        if (!_decoders.TryTake(out var decoder))
            decoder = new ChunkDecoder();
        try
        {
            use(decoder);
        }
        finally
        {
            _decoders.Add(decoder);
        }
    }
}
