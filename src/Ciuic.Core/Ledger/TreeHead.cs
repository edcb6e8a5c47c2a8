namespace Ciuic.Core;

/// <summary>Size and root of a ledger's tree: the three lines of a C2SP checkpoint.</summary>
public sealed record TreeHead(string Origin, long Size, Digest Root)
{
    /// <summary>The text that is signed.</summary>
    public string ToText() => $"{Origin}\n{Size}\n{StrictBase64.Encode(Root.Span)}\n";

    /// <summary>The signed checkpoint.</summary>
    public byte[] Sign(SigningKey key) => SignedNote.Sign(ToText(), key);

    /// <summary>Reads a checkpoint that a known key of this origin signed.</summary>
    /// <exception cref="CorruptException">The bytes are no checkpoint, of another origin, or not signed.</exception>
    public static TreeHead Open(ReadOnlySpan<byte> bytes, string origin, IReadOnlyList<VerifierKey> known)
    {
        try
        {
            var head = ParseText(SignedNote.Open(bytes, known).Text);
            return head.Origin == origin
                ? head
                : throw new CorruptException($"the checkpoint is of '{head.Origin}', not of '{origin}'");
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"these bytes are no checkpoint: {error.Message}", error);
        }
    }

    /// <summary>Reads the three lines without asking who signed them. A ledger of ours has no others.</summary>
    /// <exception cref="InvalidInputException">The text is no checkpoint.</exception>
    public static TreeHead ParseText(string text)
    {
        var lines = text[..^1].Split('\n');
        if (lines.Length != 3)
            throw new InvalidInputException($"a checkpoint has three lines, not {lines.Length}");
        return Parse(lines);
    }

    /// <summary>
    /// Reads any log's checkpoint without asking who signed it. Lines after the first three are the log's own business
    /// (C2SP tlog-checkpoint): a witness cosigns them unread.
    /// </summary>
    /// <exception cref="InvalidInputException">The text is no checkpoint.</exception>
    public static TreeHead ParseExtended(string text)
    {
        var lines = text[..^1].Split('\n');
        if (lines.Length < 3 || lines.Contains(""))
            throw new InvalidInputException("a checkpoint has at least three lines, none of them empty");
        return Parse(lines);
    }

    private static TreeHead Parse(string[] lines) => new(
        lines[0], Decimal64.Parse(lines[1], "tree size"), StrictBase64.DecodeDigest(lines[2], "root hash"));
}
