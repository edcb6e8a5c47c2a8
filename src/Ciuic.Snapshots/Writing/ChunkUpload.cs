using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The chunks of one upload: how each of them is stored. Chunks of different units at once.</summary>
internal sealed class ChunkUpload(ChunkStore chunks, CodecOptions options, DeltaBases before, StagingPlan plan, CodecMode mode, bool mayDiffer)
{
    private readonly StoredChunk?[] _stored = new StoredChunk?[plan.Chunks.Count];

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
    /// <param name="window">Where its bytes lie, and those of the chunks that it was moved with.</param>
    /// <param name="index">Which.</param>
    /// <param name="moved">What moved it; the chunks before it in that are stored.</param>
    /// <param name="cancel">Ends the storing.</param>
    public async Task<(StoredChunk Chunk, ChunkWrite Write)> StoreAsync(
        StagedShard window, int index, MovedChunks? moved, CancellationToken cancel)
    {
        var outcome = await StoreAsync(window.Content(plan.Chunks[index]), index, SourcesOf(window, index, moved), moved, cancel);
        _stored[index] = outcome.Item1;
        return outcome;
    }

    private async Task<(StoredChunk, ChunkWrite)> StoreAsync(
        ReadOnlyMemory<byte> plain, int index, IReadOnlyList<DeltaBases.Basis> sources, MovedChunks? moved, CancellationToken cancel)
    {
        var basis = sources.Count > 0 ? sources[0] : null;
        if (MayStay(basis?.Chunk) && plain.Span.SequenceEqual(basis!.Plain.Span))
            return Reused(basis.Chunk);
        var id = ChunkId.Of(plain.Span);
        if ((before.Find(id) ?? Among(sources, id)) is { } known && MayStay(known))
            return Reused(known);
        if (await chunks.IsWholeAsync(id, cancel))
            return Reused(StoredChunk.Whole(id, plain.Length));
        if (await TryPredictAsync(id, plain, index, sources, moved, cancel) is { } predicted)
            return predicted;
        if (await TryDifferAsync(id, plain, index, basis, cancel) is { } delta)
            return delta;
        var width = mode == CodecMode.Raw ? 0 : plan.Layout[index].Width;
        return (StoredChunk.Whole(id, plain.Length), await chunks.StoreAsync(id, plain, width, cancel));
    }

    private async Task<(StoredChunk, ChunkWrite)?> TryPredictAsync(
        ChunkId id,
        ReadOnlyMemory<byte> plain,
        int index,
        IReadOnlyList<DeltaBases.Basis> sources,
        MovedChunks? moved,
        CancellationToken cancel)
    {
        if (sources.Count < 3 || !MayBuildOn(sources, plain.Length))
            return null;
        Prediction[] candidates = index == moved!.Square
            ? [moved.Step.SecondMoment]
            : moved.Step.Weights(before.StepAt(plan.Layout[index].Place));
        var write = await chunks.TryStorePredictionAsync(
            id, plain, [.. sources.Select(s => s.AtHand)], candidates, options.MinDeltaGain, cancel);
        return write is { } done ? (Made(id, plain.Length, sources), done) : null;
    }

    private async Task<(StoredChunk, ChunkWrite)?> TryDifferAsync(
        ChunkId id, ReadOnlyMemory<byte> plain, int index, DeltaBases.Basis? basis, CancellationToken cancel)
    {
        if (basis is null || !MayBuildOn([basis], plain.Length))
            return null;
        var width = plan.Layout[index].Width;
        var write = await chunks.TryStoreDeltaAsync(id, plain, width, basis.AtHand, options.MinDeltaGain, cancel);
        return write is { } done ? (Made(id, plain.Length, [basis]), done) : null;
    }

    /// <summary>
    /// What a chunk was in the snapshot before; and where it was moved by an optimizer, the two others it can be told from:
    /// the first moment before and now for the second one, both of them now for the weight.
    /// </summary>
    private List<DeltaBases.Basis> SourcesOf(StagedShard window, int index, MovedChunks? moved)
    {
        if (before.Find(plan.Layout[index].Place) is not { } basis)
            return [];
        var others = moved switch
        {
            null => (null, null),
            _ when index == moved.Square => (before.Find(plan.Layout[moved.Mean].Place), Now(window, moved.Mean)),
            _ when index == moved.Weight => (Now(window, moved.Mean), Now(window, moved.Square)),
            _ => ((DeltaBases.Basis?)null, (DeltaBases.Basis?)null),
        };
        return others is ({ } first, { } second) ? [basis, first, second] : [basis];
    }

    private DeltaBases.Basis Now(StagedShard window, int index) => new(_stored[index]!, window.Content(plan.Chunks[index]));

    private bool MayBuildOn(IReadOnlyCollection<DeltaBases.Basis> sources, int length) =>
        mayDiffer
        && sources.All(s => s.Plain.Length == length)
        && StoredChunk.DepthOver([.. sources.Select(s => s.Chunk)]) <= options.MaxChain;

    /// <summary>A full snapshot keeps only what is stored whole.</summary>
    private bool MayStay(StoredChunk? chunk) => chunk is not null && (mayDiffer || chunk.Depth == 0);

    private static StoredChunk Made(ChunkId id, int length, IReadOnlyCollection<DeltaBases.Basis> sources) =>
        new(id, length, [.. sources.Select(s => s.Chunk)]);

    /// <summary>Bytes that were the same once before: what they are needed for cannot be what they are stored with.</summary>
    private static StoredChunk? Among(IReadOnlyList<DeltaBases.Basis> sources, ChunkId id) =>
        sources.Select(s => s.Chunk.Find(id)).FirstOrDefault(c => c is not null);

    private static (StoredChunk, ChunkWrite) Reused(StoredChunk chunk) => (chunk, new ChunkWrite(ChunkStored.Reused, 0));
}
