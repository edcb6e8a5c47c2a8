namespace Ciuic.Contracts;

/// <summary>How a run's state in the database stood to what the ledger says.</summary>
[GenerateSerializer, Alias("ciuic.CatchUpOutcome")]
public enum CatchUpOutcome
{
    /// <summary>It said the same.</summary>
    Same = 1,

    /// <summary>It was older, or another one, and is the ledger's now.</summary>
    Mended,

    /// <summary>The ledger never had it: its snapshots are to be rebuilt first.</summary>
    Contradicts,
}
