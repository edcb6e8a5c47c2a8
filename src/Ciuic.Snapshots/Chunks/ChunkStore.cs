using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Chunks into a bucket and out of it. Encoders and decoders are kept. Thread-safe.</summary>
public sealed class ChunkStore : IDisposable
{
    private readonly IObjectStore _store;
    private readonly LendingPool<ChunkEncoder> _encoders = new(() => new ChunkEncoder());
    private readonly LendingPool<ChunkDecoder> _decoders = new(() => new ChunkDecoder());
    private readonly BufferPool _buffers = new();
    private readonly FamilyReader _families;
    private readonly FamilyReader _anew;

    /// <param name="store">The bucket.</param>
    /// <param name="cache">Keeps what was read, for differences to it; null to keep nothing.</param>
    public ChunkStore(IObjectStore store, BaseCache? cache = null)
    {
        _store = store;
        _families = new FamilyReader(store, _decoders, _buffers, cache);
        _anew = new FamilyReader(store, _decoders, _buffers, null);
    }

    /// <summary>Whether a chunk is stored whole already; every byte of it is checked.</summary>
    public async Task<bool> IsWholeAsync(ChunkId id, CancellationToken cancel)
    {
        var key = BucketLayout.Chunk(id);
        return await _store.GetLengthAsync(key, cancel) is not null && await IsIntactAsync(key, id, ChunkAtHand.None, cancel);
    }

    /// <summary>Stores a chunk whole: no other one is needed to read it.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element where all are of one size, otherwise 1; 0 to pack nothing.</param>
    /// <param name="cancel">Ends the storing.</param>
    public async Task<ChunkWrite> StoreAsync(ChunkId id, ReadOnlyMemory<byte> plain, int width, CancellationToken cancel)
    {
        using var loan = _buffers.Take(ChunkEncoder.RoomFor(plain.Length));
        var frame = Encode(e => e.Encode(plain.Span, width, loan.Buffer));
        return await WriteAsync(BucketLayout.Chunk(id), frame, id, ChunkAtHand.None, cancel);
    }

    /// <summary>Stores a frame that somebody else has made of a whole chunk, once its bytes are found to be those of the name.</summary>
    /// <param name="id">The chunk's name.</param>
    /// <param name="frame">Its stored form.</param>
    /// <param name="cancel">Ends the storing.</param>
    /// <exception cref="CorruptException">The frame is malformed, needs other chunks, or holds other bytes; nothing was stored.</exception>
    public async Task<ChunkWrite> TakeInAsync(ChunkId id, ReadOnlyMemory<byte> frame, CancellationToken cancel)
    {
        using (var plain = _buffers.Take(ChunkDecoder.PlainLength(id, frame.Span)))
        using (var decoder = _decoders.Take())
            decoder.Value.Decode(id, frame.Span, plain.Memory.Span);
        return await WriteAsync(BucketLayout.Chunk(id), frame, id, ChunkAtHand.None, cancel);
    }

    /// <summary>Stores a chunk as the difference to another, where that saves enough.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element where all are of one size, otherwise 1.</param>
    /// <param name="basis">The other chunk.</param>
    /// <param name="minGain">The least part of the bytes that must be saved, 0 to 1.</param>
    /// <param name="cancel">Ends the storing.</param>
    /// <returns>Null where it does not save enough.</returns>
    public async Task<ChunkWrite?> TryStoreDeltaAsync(
        ChunkId id, ReadOnlyMemory<byte> plain, int width, ChunkAtHand basis, double minGain, CancellationToken cancel)
    {
        using var loan = _buffers.Take(ChunkEncoder.RoomFor(plain.Length));
        var frame = Encode(e => e.TryEncodeDelta(plain.Span, width, basis.AsBase(), minGain, loan.Buffer));
        return frame.IsEmpty ? null : await WriteAsync(BucketLayout.Delta(id, basis.Id), frame, id, [basis], cancel);
    }

    /// <summary>Stores a chunk of singles as what is left after a prediction, where that saves enough.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="plain">Its bytes.</param>
    /// <param name="sources">Its base and both inputs.</param>
    /// <param name="candidates">Steps to try.</param>
    /// <param name="minGain">The least part of the bytes that must be saved, 0 to 1.</param>
    /// <param name="cancel">Ends the storing.</param>
    /// <returns>Null where it does not save enough.</returns>
    public async Task<ChunkWrite?> TryStorePredictionAsync(
        ChunkId id,
        ReadOnlyMemory<byte> plain,
        IReadOnlyList<ChunkAtHand> sources,
        Prediction[] candidates,
        double minGain,
        CancellationToken cancel)
    {
        using var loan = _buffers.Take(ChunkEncoder.RoomFor(plain.Length));
        var frame = Encode(e => e.TryEncodePrediction(plain.Span, ChunkAtHand.Sources(sources), candidates, minGain, loan.Buffer));
        if (frame.IsEmpty)
            return null;
        var key = BucketLayout.Prediction(id, sources[0].Id, sources[1].Id, sources[2].Id);
        return await WriteAsync(key, frame, id, sources, cancel);
    }

    /// <summary>Reads chunks that need each other, each into memory that is given for it, and checks them.</summary>
    /// <param name="family">The chunks.</param>
    /// <param name="target">Gives the memory that takes a wanted chunk's bytes, once for each.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <returns>What became of each wanted chunk: damage is told, not thrown.</returns>
    public Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> ReadAsync(
        ChunkFamily family, Func<ChunkRecord, Memory<byte>> target, CancellationToken cancel) =>
        _families.ReadAsync(family, target, cancel);

    /// <summary>Reads chunks only to check that they are there, whole, and of their plain length.</summary>
    /// <returns>What became of each wanted chunk.</returns>
    public Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> CheckAsync(ChunkFamily family, CancellationToken cancel) =>
        _families.ReadAsync(family, null, cancel);

    /// <summary>The same, and nothing is believed that was kept when it was read before.</summary>
    /// <returns>What became of each wanted chunk.</returns>
    public Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> CheckAnewAsync(ChunkFamily family, CancellationToken cancel) =>
        _anew.ReadAsync(family, null, cancel);

    /// <summary>Lends memory for plain bytes.</summary>
    internal BufferPool.Loan Lend(int bytes) => _buffers.Take(bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoders.Dispose();
        _decoders.Dispose();
    }

    /// <summary>An encoder is lent while it encodes, not while the store takes what it made: there are no more than cores.</summary>
    private ReadOnlyMemory<byte> Encode(Func<ChunkEncoder, ReadOnlyMemory<byte>> encode)
    {
        using var encoder = _encoders.Take();
        return encode(encoder.Value);
    }

    private async Task<ChunkWrite> WriteAsync(
        ObjectKey key, ReadOnlyMemory<byte> frame, ChunkId id, IReadOnlyList<ChunkAtHand> sources, CancellationToken cancel)
    {
        if (await _store.CreateAsync(key, frame, cancel) == CreateResult.Created)
            return new ChunkWrite(ChunkStored.Written, frame.Length);
        if (await IsIntactAsync(key, id, sources, cancel))
            return new ChunkWrite(ChunkStored.Reused, 0);
        // What lies there is provably not what its name says, so nobody can be reading it: replace it in
        // one step by the bytes that are. It is never absent, whenever this process dies.
        await _store.PutAsync(key, frame, cancel);
        return new ChunkWrite(ChunkStored.Repaired, frame.Length);
    }

    private async Task<bool> IsIntactAsync(
        ObjectKey key, ChunkId id, IReadOnlyList<ChunkAtHand> sources, CancellationToken cancel)
    {
        if (await _store.GetAsync(key, cancel) is not { } frame)
            return false;
        using var decoder = _decoders.Take();
        try
        {
            using var plain = _buffers.Take(ChunkDecoder.PlainLength(id, frame));
            decoder.Value.Decode(id, frame, plain.Memory.Span, ChunkAtHand.Sources(sources));
            return true;
        }
        catch (CorruptException)
        {
            return false;
        }
    }
}
