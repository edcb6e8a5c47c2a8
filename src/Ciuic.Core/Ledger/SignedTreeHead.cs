namespace Ciuic.Core;

/// <summary>A C2SP checkpoint as it is published: a tree head, the ledger's signature, cosignatures of witnesses.</summary>
public sealed class SignedTreeHead
{
    private readonly SignedNote _note;

    private SignedTreeHead(TreeHead head, VerifierKey signer, SignedNote note, byte[] bytes)
    {
        Head = head;
        Signer = signer;
        _note = note;
        Bytes = bytes;
    }

    /// <summary>What is signed.</summary>
    public TreeHead Head { get; }

    /// <summary>The ledger's key that signed it.</summary>
    public VerifierKey Signer { get; }

    /// <summary>The checkpoint's bytes.</summary>
    public byte[] Bytes { get; }

    /// <summary>Reads a checkpoint that one of the ledger's keys signed.</summary>
    /// <exception cref="CorruptException">The bytes are no checkpoint, of another origin, or not signed by a known key.</exception>
    public static SignedTreeHead Open(byte[] bytes, string origin, IReadOnlyList<VerifierKey> known)
    {
        var head = TreeHead.Open(bytes, origin, known);
        var note = SignedNote.Parse(bytes);
        return new SignedTreeHead(head, note.VerifiedBy(known)[0], note, bytes);
    }

    /// <summary>The witnesses that cosigned it, each once.</summary>
    /// <exception cref="CorruptException">A cosignature by a known witness is wrong.</exception>
    public IReadOnlyList<Cosignature> CosignedBy(IReadOnlyList<VerifierKey> witnesses) => _note.CosignedBy(witnesses);

    /// <summary>Whether a policy's quorum has cosigned it; a wrong cosignature of a known witness counts as none.</summary>
    public bool IsCosignedAs(TlogPolicy policy)
    {
        try
        {
            return policy.IsMetBy(CosignedBy(policy.Witnesses.Select(w => w.Key).ToList()));
        }
        catch (CorruptException)
        {
            return false;
        }
    }

    /// <summary>The checkpoint's bytes with more signature lines.</summary>
    public byte[] WithLines(IEnumerable<string> lines) => _note.WithLines(lines);

    /// <summary>The checkpoint's bytes with the signature lines of another one, each key's once; its own come first.</summary>
    public byte[] WithSignaturesOf(SignedTreeHead other) => _note.WithSignatures(other._note.Signatures
        .Where(o => !_note.Signatures.Any(s => s.KeyId == o.KeyId && s.Name == o.Name)));
}
