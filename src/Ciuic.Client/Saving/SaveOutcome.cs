namespace Ciuic.Client;

/// <summary>What became of a save.</summary>
public enum SaveOutcome
{
    /// <summary>It is verified and in the ledger.</summary>
    Committed = 1,

    /// <summary>It is kept on this machine and not committed: the next start of the run commits it, or a sync.</summary>
    Spooled,

    /// <summary>It will never be committed.</summary>
    Failed,
}
