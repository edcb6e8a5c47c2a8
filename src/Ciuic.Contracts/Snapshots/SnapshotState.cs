namespace Ciuic.Contracts;

/// <summary>The life of a snapshot. The numbers are stored; never reuse one.</summary>
[GenerateSerializer, Alias("ciuic.SnapshotState")]
public enum SnapshotState
{
    /// <summary>Nothing is known of it.</summary>
    None = 0,

    /// <summary>Begun; shards are missing.</summary>
    Pending = 1,

    /// <summary>All shards are in; not checked yet.</summary>
    Uploaded = 2,

    /// <summary>Every byte is stored and right. From here on it will be committed, whatever dies.</summary>
    Verified = 3,

    /// <summary>In the ledger: visible.</summary>
    Committed = 4,

    /// <summary>Given up before it was verified: never visible.</summary>
    Aborted = 5,

    /// <summary>Was committed; its reference was dropped by retention.</summary>
    Forgotten = 6,
}
