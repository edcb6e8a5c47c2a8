namespace Ciuic.Contracts;

/// <summary>The answer to a completed shard.</summary>
public enum ShardReply
{
    /// <summary>Taken; the same shard again gets the same answer.</summary>
    Accepted = 1,

    /// <summary>A newer attempt owns the run, or the snapshot was begun under another token.</summary>
    Fenced,

    /// <summary>The snapshot was aborted; see its reason.</summary>
    Aborted,

    /// <summary>This rank has already completed another shard, or is none of the snapshot's.</summary>
    Conflict,
}
