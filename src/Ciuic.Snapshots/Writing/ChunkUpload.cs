using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The chunks of one upload: how each of them is stored. Chunks of different units at once.</summary>
internal sealed class ChunkUpload(ChunkStore chunks, CodecOptions options, DeltaBases before, StagedShard shard, bool mayDiffer)
{
    private readonly StoredChunk?[] _stored = new StoredChunk?[shard.Chunks.Count];

    /// <summary>All of them, once each was stored. One that stands in several places is named in one way: both are in the bucket.</summary>
    public IReadOnlyList<StoredChunk> Stored()
    {
        var byId = new Dictionary<ChunkId, StoredChunk>();
        foreach (var chunk in _stored)
        {
            if (!byId.TryGetValue(chunk!.Id, out var other) || chunk.Depth < other.Depth)
                byId[chunk.Id] = chunk;
        }

        return [.. _stored.Select(c => byId[c!.Id])];
    }

    /// <summary>Stores a chunk, unless it is stored already.</summary>
    /// <param name="index">Which.</param>
    /// <param name="moved">What moved it; the chunks before it in that are stored.</param>
    /// <param name="cancel">Ends the storing.</param>
    public async Task<(StoredChunk Chunk, ChunkWrite Write)> StoreAsync(int index, MovedChunks? moved, CancellationToken cancel)
    {
        var outcome = await StoreAsync(index, SourcesOf(index, moved), moved, cancel);
        _stored[index] = outcome.Item1;
        return outcome;
    }

    private async Task<(StoredChunk, ChunkWrite)> StoreAsync(
        int index, IReadOnlyList<DeltaBases.Basis> sources, MovedChunks? moved, CancellationToken cancel)
    {
        var plain = Plain(index);
        var basis = sources.Count > 0 ? sources[0] : null;
        if (MayStay(basis?.Chunk) && plain.Span.SequenceEqual(basis!.Plain.Span))
            return Reused(basis.Chunk);
        var id = ChunkId.Of(plain.Span);
        if ((before.Find(id) ?? Among(sources, id)) is { } known && MayStay(known))
            return Reused(known);
        if (await chunks.IsWholeAsync(id, cancel))
            return Reused(StoredChunk.Whole(id, plain.Length));
        if (await TryPredictAsync(id, index, sources, moved, cancel) is { } predicted)
            return predicted;
        if (await TryDifferAsync(id, index, basis, cancel) is { } delta)
            return delta;
        var width = options.Mode == CodecMode.Raw ? 0 : shard.Layout[index].Width;
        return (StoredChunk.Whole(id, plain.Length), await chunks.StoreAsync(id, plain, width, cancel));
    }

    private async Task<(StoredChunk, ChunkWrite)?> TryPredictAsync(
        ChunkId id, int index, IReadOnlyList<DeltaBases.Basis> sources, MovedChunks? moved, CancellationToken cancel)
    {
        if (sources.Count < 3 || !MayBuildOn(sources, shard.Chunks[index].Length))
            return null;
        Prediction[] candidates = index == moved!.Square
            ? [moved.Step.SecondMoment]
            : moved.Step.Weights(before.StepAt(shard.Layout[index].Place));
        var write = await chunks.TryStorePredictionAsync(
            id, Plain(index), [.. sources.Select(s => s.AtHand)], candidates, options.MinDeltaGain, cancel);
        return write is { } done ? (Made(id, index, sources), done) : null;
    }

    private async Task<(StoredChunk, ChunkWrite)?> TryDifferAsync(
        ChunkId id, int index, DeltaBases.Basis? basis, CancellationToken cancel)
    {
        if (basis is null || !MayBuildOn([basis], shard.Chunks[index].Length))
            return null;
        var width = shard.Layout[index].Width;
        var write = await chunks.TryStoreDeltaAsync(id, Plain(index), width, basis.AtHand, options.MinDeltaGain, cancel);
        return write is { } done ? (Made(id, index, [basis]), done) : null;
    }

    /// <summary>
    /// What a chunk was in the snapshot before; and where it was moved by an optimizer, the two others it can be told from:
    /// the first moment before and now for the second one, both of them now for the weight.
    /// </summary>
    private List<DeltaBases.Basis> SourcesOf(int index, MovedChunks? moved)
    {
        if (before.Find(shard.Layout[index].Place) is not { } basis)
            return [];
        var others = moved switch
        {
            null => (null, null),
            _ when index == moved.Square => (before.Find(shard.Layout[moved.Mean].Place), Now(moved.Mean)),
            _ when index == moved.Weight => (Now(moved.Mean), Now(moved.Square)),
            _ => ((DeltaBases.Basis?)null, (DeltaBases.Basis?)null),
        };
        return others is ({ } first, { } second) ? [basis, first, second] : [basis];
    }

    private DeltaBases.Basis Now(int index) => new(_stored[index]!, Plain(index));

    private ReadOnlyMemory<byte> Plain(int index) => shard.Content(shard.Chunks[index]);

    private bool MayBuildOn(IReadOnlyCollection<DeltaBases.Basis> sources, int length) =>
        mayDiffer
        && sources.All(s => s.Plain.Length == length)
        && StoredChunk.DepthOver([.. sources.Select(s => s.Chunk)]) <= options.MaxChain;

    /// <summary>A full snapshot keeps only what is stored whole.</summary>
    private bool MayStay(StoredChunk? chunk) => chunk is not null && (mayDiffer || chunk.Depth == 0);

    private StoredChunk Made(ChunkId id, int index, IReadOnlyCollection<DeltaBases.Basis> sources) =>
        new(id, shard.Chunks[index].Length, [.. sources.Select(s => s.Chunk)]);

    /// <summary>Bytes that were the same once before: what they are needed for cannot be what they are stored with.</summary>
    private static StoredChunk? Among(IReadOnlyList<DeltaBases.Basis> sources, ChunkId id) =>
        sources.Select(s => s.Chunk.Find(id)).FirstOrDefault(c => c is not null);

    private static (StoredChunk, ChunkWrite) Reused(StoredChunk chunk) => (chunk, new ChunkWrite(ChunkStored.Reused, 0));
}
