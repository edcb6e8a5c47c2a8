using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>One line of a block: one fact about one run. Equal facts are equal bytes.</summary>
public sealed record LedgerRecord
{
    /// <summary>The longest record in bytes; a block of 65,535 holds at least seven.</summary>
    public const int MaxBytes = 8_192;

    /// <summary>The longest reason a person may give, in characters.</summary>
    public const int MaxReasonLength = 1_000;

    /// <summary>What happened, see <see cref="RecordKind"/>. Kinds of later versions are read, not understood.</summary>
    [JsonPropertyName("kind"), JsonPropertyOrder(0)]
    public required string Kind { get; init; }

    /// <summary>The run it happened to.</summary>
    [JsonPropertyName("run"), JsonPropertyOrder(1)]
    public required RunId Run { get; init; }

    /// <summary>The snapshot that was committed, rolled back to, tagged or pinned.</summary>
    [JsonPropertyName("sequence"), JsonPropertyOrder(2)]
    public required Sequence Sequence { get; init; }

    /// <summary>Its identity.</summary>
    [JsonPropertyName("manifest"), JsonPropertyOrder(3)]
    public required ManifestDigest Manifest { get; init; }

    /// <summary>Of a snapshot: optimizer updates completed.</summary>
    [JsonPropertyName("step"), JsonPropertyOrder(4)]
    public long? Step { get; init; }

    /// <summary>The fencing token under which it was done.</summary>
    [JsonPropertyName("token"), JsonPropertyOrder(5)]
    public required FencingToken Token { get; init; }

    /// <summary>Of what people asked for: its number among the run's events, which makes it one of a kind.</summary>
    [JsonPropertyName("event"), JsonPropertyOrder(6)]
    public long? Event { get; init; }

    /// <summary>Of what people asked for: when, UTC.</summary>
    [JsonPropertyName("at"), JsonPropertyOrder(7)]
    public DateTimeOffset? At { get; init; }

    /// <summary>Of what people asked for: who.</summary>
    [JsonPropertyName("actor"), JsonPropertyOrder(8)]
    public string? Actor { get; init; }

    /// <summary>Of what people asked for: why.</summary>
    [JsonPropertyName("reason"), JsonPropertyOrder(9)]
    public string? Reason { get; init; }

    /// <summary>Of a tag: its name.</summary>
    [JsonPropertyName("tag"), JsonPropertyOrder(10)]
    public TagName? Tag { get; init; }

    /// <summary>Of a snapshot: the run's key, by which every shard is signed; null where trainers do not sign.</summary>
    [JsonPropertyName("signer"), JsonPropertyOrder(11)]
    public VerifierKey? Signer { get; init; }

    /// <summary>Of a repair: what it accepts, see <see cref="FindingKind"/>. Those of later versions are read, and accept nothing here.</summary>
    [JsonPropertyName("finding"), JsonPropertyOrder(12)]
    public string? Finding { get; init; }

    /// <summary>The record that commits a snapshot; it follows from the manifest alone.</summary>
    public static LedgerRecord ForSnapshot(Manifest manifest, ManifestDigest digest) => new()
    {
        Kind = RecordKind.Snapshot,
        Run = manifest.Run,
        Sequence = manifest.Sequence,
        Manifest = digest,
        Step = manifest.Step,
        Token = manifest.Token,
        Signer = manifest.Signer,
    };

    /// <summary>The line without its newline.</summary>
    /// <exception cref="InvalidInputException">The record is longer than 8,192 bytes.</exception>
    public byte[] Encode()
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(this, ManifestJson.Default.LedgerRecord);
        return line.Length <= MaxBytes
            ? line
            : throw new InvalidInputException($"A ledger record of {line.Length} bytes is refused: at most {MaxBytes}.");
    }

    /// <summary>Reads a line without its newline.</summary>
    /// <exception cref="InvalidInputException">The line is no record.</exception>
    public static LedgerRecord Decode(ReadOnlySpan<byte> line) =>
        SignedNote.HoldsControls(line) || line.Contains((byte)'\n')
            // JSON allows white space that a line of a note cannot hold.
            ? throw new InvalidInputException("A ledger record is one line without control characters.")
            : ManifestCodec.Decode(line, ManifestJson.Default.LedgerRecord, "ledger record", MaxBytes);
}
