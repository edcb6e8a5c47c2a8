using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>What became of a save that was kept on this machine.</summary>
public enum SyncOutcome
{
    /// <summary>It is committed.</summary>
    Committed = 1,

    /// <summary>It stays where it is; the reason says why.</summary>
    Left,

    /// <summary>It was removed: as asked, or because it could not be committed and a later step of the same process is; the reason says so.</summary>
    Discarded,
}

/// <summary>A save that was kept on this machine.</summary>
/// <param name="Step">Its step.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Snapshot">The committed snapshot; null where it is none.</param>
/// <param name="Reason">Why it was left or removed; empty otherwise.</param>
public sealed record SyncedSave(long Step, SyncOutcome Outcome, SnapshotLink? Snapshot, string Reason);
