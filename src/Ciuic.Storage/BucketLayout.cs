using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>Where each kind of object lies in a bucket. See FORMAT.md.</summary>
public static class BucketLayout
{
    /// <summary>Which bucket this is.</summary>
    public static readonly ObjectKey Identity = new("bucket");

    /// <summary>Begins the key of every chunk.</summary>
    public const string ChunksPrefix = "chunks/";

    /// <summary>Begins the key of every chunk that is stored as a difference.</summary>
    public const string DeltasPrefix = "deltas/";

    /// <summary>Begins the key of every chunk that is stored as what is left after a prediction.</summary>
    public const string PredictionsPrefix = "predictions/";

    /// <summary>Begins the key of every manifest.</summary>
    public const string RunsPrefix = "runs/";

    /// <summary>Begins the key of every ledger's objects.</summary>
    public const string LedgersPrefix = "ledgers/";

    /// <summary>Begins the key of every note that an API key was ended.</summary>
    public const string EndedKeysPrefix = "control/ended-keys/";

    /// <summary>The note that an API key was ended; it is never taken away.</summary>
    /// <param name="id">The key's public part.</param>
    public static ObjectKey EndedKey(string id) => new($"{EndedKeysPrefix}{id}");

    /// <summary>A chunk, by content.</summary>
    public static ObjectKey Chunk(ChunkId id)
    {
        var hex = id.ToString();
        return new ObjectKey($"{ChunksPrefix}{hex[..2]}/{hex}");
    }

    /// <summary>A chunk stored as the difference to another one.</summary>
    public static ObjectKey Delta(ChunkId id, ChunkId basis)
    {
        var hex = id.ToString();
        return new ObjectKey($"{DeltasPrefix}{hex[..2]}/{hex}-{basis}");
    }

    /// <summary>A chunk stored as what is left after a prediction from others: all of them are in its name.</summary>
    public static ObjectKey Prediction(ChunkId id, ChunkId basis, ChunkId input1, ChunkId input2)
    {
        Span<byte> sources = stackalloc byte[3 * Digest.Size];
        basis.Digest.Span.CopyTo(sources);
        input1.Digest.Span.CopyTo(sources[Digest.Size..]);
        input2.Digest.Span.CopyTo(sources[(2 * Digest.Size)..]);
        var hex = id.ToString();
        return new ObjectKey($"{PredictionsPrefix}{hex[..2]}/{hex}-{Digest.Of(sources)}");
    }

    /// <summary>The objects that a shard is read from, in the order in which a gateway's receipts for them are sent.</summary>
    public static IEnumerable<ObjectKey> ObjectsOf(ShardManifest shard) => shard.Chunks.Concat(shard.Bases ?? []).Select(Chunk);

    /// <summary>A chunk as its manifest says that it is stored.</summary>
    public static ObjectKey Chunk(ChunkRecord chunk) => chunk switch
    {
        { Base: { } basis, Input1: { } input1, Input2: { } input2 } => Prediction(chunk.Id, basis, input1, input2),
        { Base: { } basis } => Delta(chunk.Id, basis),
        _ => Chunk(chunk.Id),
    };

    /// <summary>Begins the key of every manifest of a run.</summary>
    public static string RunPrefix(RunId run) => $"{RunsPrefix}{run}/";

    /// <summary>The snapshot that an object below <see cref="RunPrefix"/> belongs to; null where it belongs to none.</summary>
    public static Sequence? SequenceOf(ObjectKey key) =>
        key.Path.Split('/') is [_, _, var sequence, _] && Sequence.TryParse(sequence, null, out var parsed) ? parsed : null;

    /// <summary>One rank's shard manifest.</summary>
    public static ObjectKey Shard(SnapshotId snapshot, Rank rank) =>
        new($"{RunsPrefix}{snapshot.Run}/{snapshot.Sequence}/shard-{rank}");

    /// <summary>The trainer's signature under one rank's shard manifest.</summary>
    public static ObjectKey ShardSignature(SnapshotId snapshot, Rank rank) =>
        new($"{RunsPrefix}{snapshot.Run}/{snapshot.Sequence}/shard-{rank}.sig");

    /// <summary>A snapshot's root manifest.</summary>
    public static ObjectKey Manifest(SnapshotId snapshot) =>
        new($"{RunsPrefix}{snapshot.Run}/{snapshot.Sequence}/manifest");

    /// <summary>One committed block.</summary>
    public static ObjectKey Block(string ledger, long height) => new($"{LedgersPrefix}{ledger}/block/{height}");

    /// <summary>The signed tree head: the one object that is overwritten.</summary>
    public static ObjectKey Checkpoint(string ledger) => new($"{LedgersPrefix}{ledger}/checkpoint");

    /// <summary>Begins the keys of all tree heads that were ever published; the size follows.</summary>
    public static string CheckpointsPrefix(string ledger) => $"{LedgersPrefix}{ledger}/checkpoint.";

    /// <summary>The signed tree head of one size, kept for ever.</summary>
    public static ObjectKey CheckpointAt(string ledger, long size) => new($"{CheckpointsPrefix(ledger)}{size}");

    /// <summary>The path below its ledger of the public keys that it began with.</summary>
    public const string KeysPath = "keys";

    /// <summary>The path of the same bytes once more: without them nothing can be checked.</summary>
    public const string KeysCopyPath = "keys.copy";

    /// <summary>Begins the key of every object of a ledger.</summary>
    public static string LedgerPrefix(string ledger) => $"{LedgersPrefix}{ledger}/";

    /// <summary>The public keys the ledger began with, signed.</summary>
    public static ObjectKey Keys(string ledger) => Tile(ledger, KeysPath);

    /// <summary>Begins the keys of all notes of public keys after a rotation; the height follows.</summary>
    public static string RotatedKeysPrefix(string ledger) => $"{LedgersPrefix}{ledger}/keys.";

    /// <summary>The public keys after the rotations in one block, signed.</summary>
    public static ObjectKey KeysAfter(string ledger, long height) => Tile(ledger, KeysPathAfter(height));

    /// <summary>The path of such a note below its ledger.</summary>
    public static string KeysPathAfter(long height) => $"keys.{height}";

    /// <summary>A tile or entry bundle, by its path below the ledger.</summary>
    public static ObjectKey Tile(string ledger, string path) => new($"{LedgersPrefix}{ledger}/{path}");
}
