namespace Ciuic.Core;

/// <summary>
/// The body of a C2SP tlog-witness <c>add-checkpoint</c> request: "old N", the consistency proof, an empty line, the
/// checkpoint.
/// </summary>
/// <param name="OldSize">The size the sender believes the witness has seen.</param>
/// <param name="Proof">That the new tree begins with the old one.</param>
/// <param name="Checkpoint">The signed tree head.</param>
public sealed record AddCheckpointRequest(long OldSize, IReadOnlyList<Digest> Proof, byte[] Checkpoint)
{
    /// <summary>
    /// The longest body in bytes: a proof of 63 hashes and a checkpoint with the 16 signatures that every verifier must
    /// take, each of a post-quantum size of nearly 5 kB (C2SP signed-note).
    /// </summary>
    public const int MaxBytes = 128 << 10;

    private const int MaxProof = 63;

    /// <summary>The body.</summary>
    public byte[] Encode()
    {
        var proof = string.Concat(Proof.Select(hash => $"{StrictBase64.Encode(hash.Span)}\n"));
        return [.. StrictUtf8.Encode($"old {OldSize}\n{proof}\n"), .. Checkpoint];
    }

    /// <summary>Reads a body.</summary>
    /// <exception cref="InvalidInputException">The bytes are no such request.</exception>
    public static AddCheckpointRequest Parse(ReadOnlySpan<byte> body)
    {
        if (body.Length > MaxBytes)
            throw new InvalidInputException($"A request of {body.Length} bytes is refused: at most {MaxBytes}.");
        var text = StrictUtf8.Decode(body, "The request");
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || !text.StartsWith("old ", StringComparison.Ordinal))
            throw new InvalidInputException("'old N', a proof, an empty line and a checkpoint are needed.");
        var lines = text[..end].Split('\n');
        if (lines.Length - 1 > MaxProof)
            throw new InvalidInputException($"A proof of {lines.Length - 1} hashes is too long.");
        return new AddCheckpointRequest(
            Decimal64.Parse(lines[0].AsSpan("old ".Length), "old size"),
            lines.Skip(1).Select(line => StrictBase64.DecodeDigest(line, "proof")).ToList(),
            StrictUtf8.Encode(text[(end + 2)..]));
    }
}
