namespace Ciuic.Core;

/// <summary>What a ledger record says, as it is spelled in the ledger.</summary>
public static class RecordKind
{
    /// <summary>A snapshot was committed; it is the run's chain head from here on.</summary>
    public const string Snapshot = "snapshot";

    /// <summary>The run's chain head was moved back to an older committed snapshot.</summary>
    public const string Rollback = "rollback";
}
