namespace Ciuic.Core;

/// <summary>
/// A C2SP tlog-proof: one entry's place in a tree, with the signed tree head, in one file that is checked with public
/// keys alone. Ciuic puts the block's bytes into <c>extra</c>.
/// </summary>
/// <param name="Extra">The block; null where the file has none.</param>
/// <param name="Index">The leaf's index: the block's height.</param>
/// <param name="Path">Inclusion proof, leaf to root.</param>
/// <param name="Checkpoint">The signed and cosigned tree head.</param>
public sealed record TlogProof(byte[]? Extra, long Index, IReadOnlyList<Digest> Path, byte[] Checkpoint)
{
    /// <summary>First line of every proof.</summary>
    public const string Header = "c2sp.org/tlog-proof@v1";

    /// <summary>A path in a tree of 2^63 leaves is not longer.</summary>
    private const int MaxPath = 63;

    /// <summary>The file's bytes.</summary>
    public byte[] Encode()
    {
        var extra = Extra is null ? "" : $"extra {StrictBase64.Encode(Extra)}\n";
        var path = string.Concat(Path.Select(hash => $"{StrictBase64.Encode(hash.Span)}\n"));
        return [.. StrictUtf8.Encode($"{Header}\n{extra}index {Index}\n{path}\n"), .. Checkpoint];
    }

    /// <summary>Reads a proof without believing it.</summary>
    /// <exception cref="InvalidInputException">The bytes are no proof.</exception>
    public static TlogProof Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > SignedNote.MaxBytes)
            throw new InvalidInputException($"A proof of {bytes.Length} bytes is refused: at most {SignedNote.MaxBytes}.");
        var text = StrictUtf8.Decode(bytes, "A proof");
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0)
            throw new InvalidInputException("This is not a proof: it has no empty line before its checkpoint.");
        var lines = new Queue<string>(text[..end].Split('\n'));
        if (lines.Dequeue() != Header)
            throw new InvalidInputException($"This is not a proof: it does not begin with {Header}.");
        var extra = TryTake(lines, "extra ") is { } encoded ? StrictBase64.Decode(encoded, "extra") : null;
        var index = TryTake(lines, "index ")
            ?? throw new InvalidInputException("This is not a proof: it has no index.");
        if (lines.Count > MaxPath)
            throw new InvalidInputException($"This is not a proof: a path of {lines.Count} hashes is too long.");
        return new TlogProof(
            extra,
            Decimal64.Parse(index, "index"),
            lines.Select(line => StrictBase64.DecodeDigest(line, "path")).ToList(),
            StrictUtf8.Encode(text[(end + 2)..]));
    }

    /// <summary>Checks the proof against a policy: ledger's signature, quorum, place in the tree, the block's own word.</summary>
    /// <returns>The block and the tree head that are proven.</returns>
    /// <exception cref="CorruptException">A link does not hold; the message says which.</exception>
    public ProvenBlock Verify(TlogPolicy policy)
    {
        if (Extra is null)
            throw new CorruptException("the proof holds no block");
        var (head, cosignatures) = policy.OpenHead(Checkpoint);
        if (!MerkleProofs.VerifyInclusion(Index, head.Head.Size, MerkleHash.Leaf(Extra), head.Head.Root, Path))
            throw new CorruptException($"the block is not leaf {Index} of the tree of {head.Head.Size} blocks that the tree head names");
        // Which key signed the block needs no check: the tree head, which is signed, holds these very bytes.
        var block = Block.ParseUnsigned(Extra);
        return block.Height == Index && block.Origin == head.Head.Origin
            ? new ProvenBlock(block, head, cosignatures)
            : throw new CorruptException($"leaf {Index} of '{head.Head.Origin}' says it is block {block.Height} of '{block.Origin}'");
    }

    private static string? TryTake(Queue<string> lines, string name) =>
        lines.TryPeek(out var line) && line.StartsWith(name, StringComparison.Ordinal)
            ? lines.Dequeue()[name.Length..]
            : null;
}

/// <summary>What a proof has proven.</summary>
/// <param name="Block">The block.</param>
/// <param name="Head">The tree head that covers it.</param>
/// <param name="Cosignatures">The witnesses' words, each witness once.</param>
public sealed record ProvenBlock(Block Block, SignedTreeHead Head, IReadOnlyList<Cosignature> Cosignatures);
