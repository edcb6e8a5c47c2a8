using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Chunks into a bucket and out of it. Encoders and decoders are kept. Thread-safe.</summary>
public sealed class ChunkStore : IDisposable
{
    private readonly IObjectStore _store;
    private readonly LendingPool<ChunkEncoder> _encoders = new(() => new ChunkEncoder());
    private readonly LendingPool<ChunkDecoder> _decoders = new(() => new ChunkDecoder());
    private readonly ChunkChain _chain;

    /// <param name="store">The bucket.</param>
    /// <param name="cache">Keeps what was read, for differences to it; null to keep nothing.</param>
    public ChunkStore(IObjectStore store, BaseCache? cache = null)
    {
        _store = store;
        _chain = new ChunkChain(store, _decoders, cache ?? new BaseCache(0, TimeProvider.System));
    }

    /// <summary>Whether a chunk is stored whole already; every byte of it is checked.</summary>
    public async Task<bool> IsWholeAsync(ChunkId id, CancellationToken cancel)
    {
        var key = BucketLayout.Chunk(id);
        return await _store.GetLengthAsync(key, cancel) is not null && await IsIntactAsync(key, id, default, default, cancel);
    }

    /// <summary>Stores a chunk whole: no other one is needed to read it.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element where all are of one size, otherwise 1.</param>
    /// <param name="cancel">Ends the storing.</param>
    public async Task<ChunkWrite> StoreAsync(ChunkId id, ReadOnlyMemory<byte> plain, int width, CancellationToken cancel)
    {
        using var encoder = _encoders.Take();
        var frame = encoder.Value.Encode(plain.Span, width);
        return await WriteAsync(BucketLayout.Chunk(id), frame, id, default, default, cancel);
    }

    /// <summary>Stores a chunk as the difference to another, where that saves enough.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element where all are of one size, otherwise 1.</param>
    /// <param name="basis">The other chunk's name.</param>
    /// <param name="before">The other chunk's bytes, as many.</param>
    /// <param name="minGain">The least part of the bytes that must be saved, 0 to 1.</param>
    /// <param name="cancel">Ends the storing.</param>
    /// <returns>Null where it does not save enough.</returns>
    public async Task<ChunkWrite?> TryStoreDeltaAsync(
        ChunkId id,
        ReadOnlyMemory<byte> plain,
        int width,
        ChunkId basis,
        ReadOnlyMemory<byte> before,
        double minGain,
        CancellationToken cancel)
    {
        using var encoder = _encoders.Take();
        var frame = encoder.Value.TryEncodeDelta(plain.Span, width, new ChunkBase(basis, before.Span), minGain);
        return frame.IsEmpty ? null : await WriteAsync(BucketLayout.Delta(id, basis), frame, id, basis, before, cancel);
    }

    /// <summary>Reads a chunk into exactly <paramref name="plain"/> and checks it.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="bases">What it is the difference to, nearest first; empty where it is stored whole.</param>
    /// <param name="plain">Takes its bytes.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <returns>Stored bytes of the chunk itself.</returns>
    /// <exception cref="CorruptException">It, or a base of it, is missing or damaged.</exception>
    public Task<int> ReadAsync(ChunkId id, IReadOnlyList<ChunkId> bases, Memory<byte> plain, CancellationToken cancel) =>
        _chain.ReadAsync(id, bases, plain, cancel);

    /// <summary>Reads a chunk only to check that it is there, whole, and of this plain length.</summary>
    /// <returns>Stored bytes of the chunk itself.</returns>
    /// <exception cref="CorruptException">It, or a base of it, is missing or damaged.</exception>
    public async Task<int> CheckAsync(ChunkId id, IReadOnlyList<ChunkId> bases, int plainLength, CancellationToken cancel)
    {
        using var plain = new RentedBytes(plainLength);
        return await ReadAsync(id, bases, plain.Memory, cancel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoders.Dispose();
        _decoders.Dispose();
    }

    private async Task<ChunkWrite> WriteAsync(
        ObjectKey key, ReadOnlyMemory<byte> frame, ChunkId id, ChunkId basis, ReadOnlyMemory<byte> before, CancellationToken cancel)
    {
        if (await _store.CreateAsync(key, frame, cancel) == CreateResult.Created)
            return new ChunkWrite(ChunkStored.Written, frame.Length);
        if (await IsIntactAsync(key, id, basis, before, cancel))
            return new ChunkWrite(ChunkStored.Reused, 0);
        // What lies there is provably not what its name says, so nobody can be reading it: replace it in
        // one step by the bytes that are. It is never absent, whenever this process dies.
        await _store.PutAsync(key, frame, cancel);
        return new ChunkWrite(ChunkStored.Repaired, frame.Length);
    }

    private async Task<bool> IsIntactAsync(
        ObjectKey key, ChunkId id, ChunkId basis, ReadOnlyMemory<byte> before, CancellationToken cancel)
    {
        if (await _store.GetAsync(key, cancel) is not { } frame)
            return false;
        using var decoder = _decoders.Take();
        try
        {
            using var plain = new RentedBytes(ChunkDecoder.PlainLength(id, frame));
            decoder.Value.Decode(id, frame, plain.Memory.Span, before.IsEmpty ? ChunkBase.None : new ChunkBase(basis, before.Span));
            return true;
        }
        catch (CorruptException)
        {
            return false;
        }
    }
}
