namespace Ciuic.Benchmarks;

/// <summary>The parts of the ledger's benchmark.</summary>
internal enum LedgerPart
{
    Machine,
    Commit,
    Final,
    Audit,
    Proof,
}

/// <summary>What to measure.</summary>
/// <param name="Length">Of each measurement under load.</param>
/// <param name="AuditBlocks">Of the ledger that is audited end to end.</param>
/// <param name="Callers">Numbers of callers to try.</param>
/// <param name="Parts">Which parts.</param>
/// <param name="Folder">On the disk to be measured.</param>
internal sealed record LedgerPlan(
    TimeSpan Length, int AuditBlocks, IReadOnlyList<int> Callers, IReadOnlySet<LedgerPart> Parts, string Folder);
