namespace Ciuic.Core;

/// <summary>
/// The public keys of a ledger as a note beside it: signed by the tree head key, it names the keys of blocks,
/// so that one verifier key from outside is enough to check everything. See FORMAT.md.
/// </summary>
public sealed record LedgerKeys(string Origin, IReadOnlyList<VerifierKey> TreeHead, IReadOnlyList<VerifierKey> Blocks)
{
    private const string Header = "ciuic.dev/keys/v1";

    /// <summary>The signed bytes.</summary>
    public byte[] Sign(SigningKey treeHeadKey)
    {
        var text = $"{Header}\n{Origin}\n"
            + string.Concat(TreeHead.Select(k => $"tree-head {k}\n"))
            + string.Concat(Blocks.Select(k => $"blocks {k}\n"));
        return SignedNote.Sign(text, treeHeadKey);
    }

    /// <summary>Reads the note if one of the trusted keys signed it.</summary>
    /// <exception cref="CorruptException">The bytes are no such note, or no trusted key signed it.</exception>
    public static LedgerKeys Open(ReadOnlySpan<byte> bytes, IReadOnlyList<VerifierKey> trusted)
    {
        try
        {
            return ParseText(SignedNote.Open(bytes, trusted).Text);
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

        return new LedgerKeys(lines[1], heads, blocks);
    }
}
