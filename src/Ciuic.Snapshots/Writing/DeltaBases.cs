using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// The chunks of the snapshot before, whose plain bytes lie in memory still: what the next one's chunks are compared with
/// and stored as differences to.
/// </summary>
public sealed class DeltaBases
{
    private readonly Dictionary<ChunkPlace, Basis> _byPlace = [];
    private readonly Dictionary<ChunkId, StoredChunk> _byId = [];
    private readonly Dictionary<ChunkPlace, AdamStep> _steps = [];

    private DeltaBases()
    {
    }

    /// <summary>There is no snapshot before.</summary>
    public static DeltaBases None { get; } = new();

    /// <summary>Whether plain bytes are at hand.</summary>
    internal bool HasContent => _byPlace.Count > 0;

    /// <summary>The chunks of a shard that was just uploaded; valid while its staging buffer is not used again.</summary>
    public static DeltaBases Of(StagedShard shard, UploadedShard uploaded)
    {
        var bases = new DeltaBases();
        foreach (var (layout, chunk) in shard.Plan.Layout.Zip(uploaded.Chunks))
            bases.Add(layout.Place, chunk, shard.Content(layout.Range));
        foreach (var moved in shard.Plan.Moved)
            bases._steps[shard.Plan.Layout[moved.Weight].Place] = moved.Step;
        return bases.WithSources(uploaded.Chunks);
    }

    /// <summary>The chunks of a shard whose bytes are in no buffer any more: they are known to be stored.</summary>
    public static DeltaBases Of(UploadedShard uploaded)
    {
        var known = new DeltaBases();
        foreach (var chunk in uploaded.Chunks)
            known._byId[chunk.Id] = chunk;
        return known.WithSources(uploaded.Chunks);
    }

    /// <summary>The chunks of a shard that was just restored; valid while its buffer is not used again.</summary>
    public static DeltaBases Of(LoadedShard shard)
    {
        var bases = new DeltaBases();
        var loaded = shard.Loaded().ToList();
        foreach (var (layout, chunk, plain) in loaded)
            bases.Add(layout.Place, chunk, plain);
        return bases.WithSources(loaded.Select(l => l.Chunk));
    }

    /// <summary>The same chunks without their bytes, for when the buffer is needed: they are still known to be stored.</summary>
    public DeltaBases WithoutContent()
    {
        var known = new DeltaBases();
        foreach (var (id, chunk) in _byId)
            known._byId[id] = chunk;
        return known;
    }

    /// <summary>The chunk that held the same part of the same tensor.</summary>
    public Basis? Find(ChunkPlace place) => _byPlace.GetValueOrDefault(place);

    /// <summary>What an optimizer did last, then, to the same part of the same tensor.</summary>
    internal AdamStep? StepAt(ChunkPlace place) => _steps.GetValueOrDefault(place);

    /// <summary>A chunk of the snapshot before by its name.</summary>
    public StoredChunk? Find(ChunkId id) => _byId.GetValueOrDefault(id);

    /// <summary>What these chunks need is stored too: bytes that come back as they once were must not be stored with what needs them.</summary>
    private DeltaBases WithSources(IEnumerable<StoredChunk> chunks)
    {
        foreach (var chunk in chunks)
            AddSources(chunk);
        return this;
    }

    private void AddSources(StoredChunk chunk)
    {
        foreach (var source in chunk.Sources.Where(s => _byId.TryAdd(s.Id, s)))
            AddSources(source);
    }

    private void Add(ChunkPlace place, StoredChunk chunk, ReadOnlyMemory<byte> plain)
    {
        _byPlace[place] = new Basis(chunk, plain);
        _byId[chunk.Id] = chunk;
    }

    /// <summary>A chunk at hand.</summary>
    /// <param name="Chunk">How it is stored.</param>
    /// <param name="Plain">Its bytes.</param>
    public sealed record Basis(StoredChunk Chunk, ReadOnlyMemory<byte> Plain)
    {
        internal ChunkAtHand AtHand => new(Chunk.Id, Plain);
    }
}
