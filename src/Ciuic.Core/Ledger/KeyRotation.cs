using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>
/// A <c>key</c> record: from the next block on, another key of the same name signs. Both keys sign the change: the
/// old one says that it wants it, the new one that it exists. See FORMAT.md.
/// </summary>
public sealed record KeyRotation
{
    private const string Header = "ciuic.dev/key/v1";

    /// <summary>The ledger.</summary>
    public required string Origin { get; init; }

    /// <summary>What the keys sign.</summary>
    public required KeyRole Role { get; init; }

    /// <summary>The key until now; it stays valid for what it has signed.</summary>
    public required VerifierKey Previous { get; init; }

    /// <summary>The key from the next block on.</summary>
    public required VerifierKey Next { get; init; }

    /// <summary>When it was asked for, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Who asked.</summary>
    public required string Actor { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>The record's line, signed by both keys.</summary>
    /// <exception cref="InvalidInputException">It is longer than a record may be.</exception>
    public byte[] Encode(SigningKey previous, SigningKey next)
    {
        var text = $"{Header}\n{Origin}\n{Role.Name()}\n{Previous}\n{Next}\n";
        var line = new Line
        {
            Kind = RecordKind.Key,
            Note = StrictUtf8.Decode(SignedNote.Sign(text, previous, next), "the note"),
            At = At,
            Actor = Actor,
            Reason = Reason,
        };
        var bytes = JsonSerializer.SerializeToUtf8Bytes(line, ManifestJson.Default.Line);
        return bytes.Length <= LedgerRecord.MaxBytes
            ? bytes
            : throw new InvalidInputException($"A key record of {bytes.Length} bytes is refused: at most {LedgerRecord.MaxBytes}.");
    }

    /// <summary>Reads a line that both keys signed.</summary>
    /// <exception cref="InvalidInputException">The line is no key record, or one of the keys did not sign it.</exception>
    public static KeyRotation Decode(ReadOnlySpan<byte> bytes)
    {
        var line = ManifestCodec.Decode(bytes, ManifestJson.Default.Line, "key record", LedgerRecord.MaxBytes);
        var note = SignedNote.Parse(StrictUtf8.Encode(line.Note));
        var lines = note.Text[..^1].Split('\n');
        if (line.Kind != RecordKind.Key || lines.Length != 5 || lines[0] != Header)
            throw new InvalidInputException($"this key record does not hold a note of {Header}");
        var (previous, next) = (VerifierKey.Parse(lines[3]), VerifierKey.Parse(lines[4]));
        if (note.VerifiedBy([previous, next]).Count != 2)
            throw new InvalidInputException("a key record needs the signatures of both the old and the new key");
        return new KeyRotation
        {
            Origin = lines[1],
            Role = KeyRoles.Parse(lines[2]),
            Previous = previous,
            Next = next,
            At = line.At,
            Actor = line.Actor,
            Reason = line.Reason,
        };
    }

    internal sealed record Line
    {
        [JsonPropertyName("kind"), JsonPropertyOrder(0)]
        public required string Kind { get; init; }

        [JsonPropertyName("note"), JsonPropertyOrder(1)]
        public required string Note { get; init; }

        [JsonPropertyName("at"), JsonPropertyOrder(2)]
        public required DateTimeOffset At { get; init; }

        [JsonPropertyName("actor"), JsonPropertyOrder(3)]
        public required string Actor { get; init; }

        [JsonPropertyName("reason"), JsonPropertyOrder(4)]
        public required string Reason { get; init; }
    }
}
