using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Grains;

/// <summary>What makes tree heads of a silo's ledgers final, and what the silo remembers of them.</summary>
/// <param name="Policy">Whose cosignatures are enough.</param>
/// <param name="Witnesses">Ways to the policy's witnesses.</param>
/// <param name="Accepted">The newest tree heads seen; null to remember nothing.</param>
public sealed record LedgerTrust(TlogPolicy Policy, IReadOnlyList<IWitness> Witnesses, AcceptedHeads? Accepted)
{
    /// <summary>The ledger's own key alone; nothing is remembered.</summary>
    public static LedgerTrust Alone { get; } = new(TlogPolicy.Alone(), [], null);
}
