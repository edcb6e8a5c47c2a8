namespace Ciuic.Core;

/// <summary>
/// The public keys of a ledger as a note beside it: signed by the tree head key, it names the keys of blocks,
/// so that one verifier key from outside is enough to check everything. See FORMAT.md.
/// </summary>
/// <param name="Origin">The ledger's name in the world.</param>
/// <param name="TreeHead">Keys of tree heads, oldest first; the last one signs.</param>
/// <param name="Blocks">Keys of blocks, oldest first; the last one signs.</param>
public sealed record LedgerKeys(string Origin, IReadOnlyList<VerifierKey> TreeHead, IReadOnlyList<VerifierKey> Blocks)
{
    private const string Header = "ciuic.dev/keys/v1";

    /// <summary>The key that signs tree heads now.</summary>
    public VerifierKey ActiveTreeHead => TreeHead[^1];

    /// <summary>The key that signs blocks now.</summary>
    public VerifierKey ActiveBlocks => Blocks[^1];

    /// <summary>The keys the ledger began with.</summary>
    public LedgerKeys Initial => new(Origin, [TreeHead[0]], [Blocks[0]]);

    /// <summary>The key of a role that signs now.</summary>
    public VerifierKey Active(KeyRole role) => role == KeyRole.Blocks ? ActiveBlocks : ActiveTreeHead;

    /// <summary>The keys after a rotation.</summary>
    /// <exception cref="CorruptException">The rotation is of another ledger, or does not begin with the active key.</exception>
    public LedgerKeys After(KeyRotation rotation)
    {
        var name = rotation.Role.KeyName(Origin);
        if (rotation.Origin != Origin || rotation.Previous.Name != name || rotation.Next.Name != name)
            throw new CorruptException($"a rotation of keys of '{rotation.Next.Name}' does not belong into ledger '{Origin}'");
        if (!rotation.Previous.Equals(Active(rotation.Role)))
            throw new CorruptException($"a rotation replaces {rotation.Previous}, but {Active(rotation.Role)} signs now");
        if (TreeHead.Concat(Blocks).Contains(rotation.Next))
            throw new CorruptException($"a rotation brings back the key {rotation.Next}");
        return rotation.Role == KeyRole.Blocks
            ? this with { Blocks = [.. Blocks, rotation.Next] }
            : this with { TreeHead = [.. TreeHead, rotation.Next] };
    }

    /// <inheritdoc/>
    public bool Equals(LedgerKeys? other) =>
        other is not null && Origin == other.Origin
        && TreeHead.SequenceEqual(other.TreeHead) && Blocks.SequenceEqual(other.Blocks);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Origin, ActiveTreeHead, ActiveBlocks);

    /// <summary>The signed bytes.</summary>
    public byte[] Sign(params ReadOnlySpan<SigningKey> treeHeadKeys)
    {
        var text = $"{Header}\n{Origin}\n"
            + string.Concat(TreeHead.Select(k => $"tree-head {k}\n"))
            + string.Concat(Blocks.Select(k => $"blocks {k}\n"));
        return SignedNote.Sign(text, treeHeadKeys);
    }

    /// <summary>
    /// Reads the note if trusted keys vouch for it: the tree head key that signs now has signed it, and, where that one is
    /// not trusted yet, the one it replaced is, and has signed it too.
    /// </summary>
    /// <exception cref="CorruptException">The bytes are no such note, or no trusted key vouches for it.</exception>
    public static LedgerKeys Open(ReadOnlySpan<byte> bytes, IReadOnlyList<VerifierKey> trusted)
    {
        try
        {
            var note = SignedNote.Parse(bytes);
            var keys = ParseText(note.Text);
            var signers = note.VerifiedBy(keys.TreeHead);
            var vouching = keys.TreeHead.TakeLast(2).Where(k => signers.Contains(k) && trusted.Contains(k));
            return signers.Contains(keys.ActiveTreeHead) && vouching.Any()
                ? keys
                : throw new CorruptException($"no trusted key vouches for this note of keys (trusted: {string.Join(", ", trusted)})");
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"the ledger's note of keys cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Reads the note without knowing any key: it must be signed by a tree head key it names itself.</summary>
    /// <exception cref="CorruptException">The bytes are no such note.</exception>
    public static LedgerKeys OpenUntrusted(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var claimed = ParseText(SignedNote.Parse(bytes).Text);
            return Open(bytes, claimed.TreeHead);
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"the ledger's note of keys cannot be read: {error.Message}", error);
        }
    }

    private static LedgerKeys ParseText(string text)
    {
        var lines = text[..^1].Split('\n');
        if (lines.Length < 4 || lines[0] != Header)
            throw new InvalidInputException($"it does not begin with {Header}");
        List<VerifierKey> heads = [], blocks = [];
        foreach (var line in lines.Skip(2))
        {
            var parts = line.Split(' ', 2);
            var list = parts[0] switch
            {
                "tree-head" => heads,
                "blocks" => blocks,
                _ => throw new InvalidInputException($"'{line}' names no role of a key"),
            };
            list.Add(VerifierKey.Parse(parts[^1]));
        }

        if (heads.Concat(blocks).Distinct().Count() < heads.Count + blocks.Count)
            throw new InvalidInputException("it names a key twice");
        return heads.Count > 0 && blocks.Count > 0
            ? new LedgerKeys(lines[1], heads, blocks)
            : throw new InvalidInputException("it names no key of blocks, or none of tree heads");
    }
}
