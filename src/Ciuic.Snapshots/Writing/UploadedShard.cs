using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>How far an upload is.</summary>
/// <param name="DoneBytes">Plain bytes hashed and stored.</param>
/// <param name="TotalBytes">Plain bytes of the shard.</param>
/// <param name="DoneChunks">Chunks hashed and stored.</param>
/// <param name="TotalChunks">Chunks of the shard.</param>
public readonly record struct UploadProgress(long DoneBytes, long TotalBytes, int DoneChunks, int TotalChunks);

/// <summary>The chunks of an uploaded shard and what it cost.</summary>
/// <param name="Chunks">All chunks in order.</param>
/// <param name="WrittenBytes">Bytes that went to the bucket.</param>
/// <param name="WrittenChunks">Chunks that were not there before.</param>
/// <param name="RepairedChunks">Chunks that were there, damaged, and are right now.</param>
/// <param name="Health">What was noticed of the state itself.</param>
public sealed record UploadedShard(
    IReadOnlyList<StoredChunk> Chunks, long WrittenBytes, int WrittenChunks, int RepairedChunks, StateHealth Health)
{
    /// <summary>The chunks as the manifest lists them.</summary>
    public IReadOnlyList<ChunkRecord> Records => Chunks.Select(c => c.Record).ToList();

    /// <summary>Other chunks that are needed to read these; null where none are.</summary>
    public IReadOnlyList<ChunkRecord>? Bases => StoredChunk.BasesOf(Chunks);
}
