using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;

namespace Ciuic.Silo;

/// <summary>Reads the policy that makes tree heads final.</summary>
internal static class LedgerTrustSettings
{
    /// <exception cref="InvalidInputException">The policy cannot be read, or is one for other ledgers.</exception>
    public static LedgerTrust Read(LedgerOptions options, AcceptedHeads? accepted, LedgerSigner signer)
    {
        var policy = options.PolicyFile.Length == 0 ? TlogPolicy.Alone() : PolicyFiles.Read(options.PolicyFile);
        var own = signer.TreeHeadVerifiers;
        if (policy.Logs.Count > 0 && !policy.Logs.Any(own.Contains))
        {
            throw new InvalidInputException(
                $"Ciuic:Ledger:PolicyFile: '{options.PolicyFile}' is for {string.Join(", ", policy.Logs.Select(l => l.Name))}, "
                + $"not for this ledger's key {own[0]}.");
        }

        var unreachable = policy.Witnesses.Where(w => w.Url is null).Select(w => w.Name).ToHashSet();
        if (!policy.IsMetBy(policy.Witnesses.Select(w => w.Name).Where(w => !unreachable.Contains(w)).ToHashSet()))
        {
            throw new InvalidInputException(
                $"Ciuic:Ledger:PolicyFile: '{options.PolicyFile}' gives no address for {string.Join(", ", unreachable)}: the "
                + $"quorum '{policy.QuorumName}' could never be reached.");
        }

        return new LedgerTrust(policy, HttpWitness.Of(policy, options.WitnessTimeout), accepted);
    }
}
