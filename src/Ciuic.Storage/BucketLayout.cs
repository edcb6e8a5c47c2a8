using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>Where each kind of object lies in a bucket. See FORMAT.md.</summary>
public static class BucketLayout
{
    /// <summary>Begins the key of every chunk.</summary>
    public const string ChunksPrefix = "chunks/";

    /// <summary>Begins the key of every manifest.</summary>
    public const string RunsPrefix = "runs/";

    /// <summary>Begins the key of every ledger's objects.</summary>
    public const string LedgersPrefix = "ledgers/";

    /// <summary>A chunk, by content.</summary>
    public static ObjectKey Chunk(ChunkId id)
    {
        var hex = id.ToString();
        return new ObjectKey($"{ChunksPrefix}{hex[..2]}/{hex}");
    }

    /// <summary>One rank's shard manifest.</summary>
    public static ObjectKey Shard(SnapshotId snapshot, Rank rank) =>
        new($"{RunsPrefix}{snapshot.Run}/{snapshot.Sequence}/shard-{rank}");

    /// <summary>A snapshot's root manifest.</summary>
    public static ObjectKey Manifest(SnapshotId snapshot) =>
        new($"{RunsPrefix}{snapshot.Run}/{snapshot.Sequence}/manifest");

    /// <summary>One committed block.</summary>
    public static ObjectKey Block(string ledger, long height) => new($"{LedgersPrefix}{ledger}/block/{height}");

    /// <summary>The signed tree head: the one object that is overwritten.</summary>
    public static ObjectKey Checkpoint(string ledger) => new($"{LedgersPrefix}{ledger}/checkpoint");

    /// <summary>The public keys, signed.</summary>
    public static ObjectKey Keys(string ledger) => new($"{LedgersPrefix}{ledger}/keys");

    /// <summary>A tile or entry bundle, by its path below the ledger.</summary>
    public static ObjectKey Tile(string ledger, string path) => new($"{LedgersPrefix}{ledger}/{path}");
}
