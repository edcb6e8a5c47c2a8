using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The private keys of one ledger: one for blocks, one for tree heads.</summary>
public sealed class LedgerSigner(string origin, SigningKey blocks, SigningKey treeHeads)
{
    /// <summary>The ledger's origin: its name in the world.</summary>
    public string Origin => origin;

    /// <summary>Signs blocks.</summary>
    public SigningKey Blocks => blocks;

    /// <summary>Signs tree heads.</summary>
    public SigningKey TreeHeads => treeHeads;

    /// <summary>The public halves, as they are stored beside the ledger.</summary>
    public LedgerKeys PublicKeys => new(origin, [treeHeads.Verifier], [blocks.Verifier]);
}
