using System.Globalization;
using System.Text;

namespace Ciuic.Core;

/// <summary>
/// One append to a ledger and one leaf of its tree: a signed note whose text names everything before it.
/// See FORMAT.md.
/// </summary>
public sealed record Block
{
    /// <summary>First line of every block.</summary>
    public const string Header = "ciuic.dev/block/v1";

    /// <summary>The longest block in bytes: what an entry bundle can hold.</summary>
    public const int MaxBytes = EntryBundle.MaxEntryBytes;

    /// <summary>Which ledger.</summary>
    public required string Origin { get; init; }

    /// <summary>Leaf index, from 0.</summary>
    public required long Height { get; init; }

    /// <summary>Unix time in milliseconds, greater than the block's before.</summary>
    public required long TimeMs { get; init; }

    /// <summary>Leaf hash of the block before; SHA-256 of nothing at height 0.</summary>
    public required Digest Previous { get; init; }

    /// <summary>Root of the tree over all blocks before.</summary>
    public required Digest Tree { get; init; }

    /// <summary>The records, each the bytes of one JSON object without a newline; at least one.</summary>
    public required IReadOnlyList<byte[]> Records { get; init; }

    /// <summary>Name of the keys that sign an origin's blocks.</summary>
    public static string KeyNameFor(string origin) => $"{origin}/blocks";

    /// <summary>The signed bytes that become object and leaf.</summary>
    /// <exception cref="InvalidInputException">The block is longer than 65,535 bytes.</exception>
    public byte[] Sign(SigningKey key)
    {
        var bytes = SignedNote.Sign(Text(), key);
        return bytes.Length <= MaxBytes
            ? bytes
            : throw new InvalidInputException($"A block of {bytes.Length} bytes is refused: at most {MaxBytes}.");
    }

    /// <summary>Reads a block that one of the known keys signed.</summary>
    /// <exception cref="CorruptException">The bytes are no block, or no known key signed them.</exception>
    public static Block Open(ReadOnlySpan<byte> bytes, IReadOnlyList<VerifierKey> known)
    {
        try
        {
            if (bytes.Length > MaxBytes)
                throw new InvalidInputException($"{bytes.Length} bytes are too many for a block.");
            return ParseText(SignedNote.Open(bytes, known).Text);
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"these bytes are no block: {error.Message}", error);
        }
    }

    /// <summary>Reads a block whose bytes are vouched for by a signed tree head.</summary>
    /// <exception cref="CorruptException">The bytes are no block.</exception>
    public static Block ParseUnsigned(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return ParseText(SignedNote.Parse(bytes).Text);
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"these bytes are no block: {error.Message}", error);
        }
    }

    /// <summary>
    /// The records about runs, each with its line. Other kinds, those of later versions among them, are passed over.
    /// </summary>
    /// <exception cref="CorruptException">A line is no record.</exception>
    public IEnumerable<(int Line, LedgerRecord Record)> Facts()
    {
        for (var line = 0; line < Records.Count; line++)
        {
            if (RecordKind.IsFact(Read(line, RecordKind.Of)))
                yield return (line, Read(line, LedgerRecord.Decode));
        }
    }

    /// <summary>The records that change keys.</summary>
    /// <exception cref="CorruptException">A line is no record, or a change is not signed by both keys.</exception>
    public IEnumerable<KeyRotation> Rotations()
    {
        for (var line = 0; line < Records.Count; line++)
        {
            if (Read(line, RecordKind.Of) == RecordKind.Key)
                yield return Read(line, KeyRotation.Decode);
        }
    }

    private delegate T Reader<T>(ReadOnlySpan<byte> line);

    private T Read<T>(int line, Reader<T> read)
    {
        try
        {
            return read(Records[line]);
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"line {line} of block {Height} is no record: {error.Message}", error);
        }
    }

    private string Text()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Header}\norigin {Origin}\nheight {Height}\ntime {TimeMs}\n");
        text.Append(CultureInfo.InvariantCulture, $"prev {StrictBase64.Encode(Previous.Span)}\n");
        text.Append(CultureInfo.InvariantCulture, $"tree {StrictBase64.Encode(Tree.Span)}\n");
        text.Append(CultureInfo.InvariantCulture, $"records {Records.Count}\n");
        foreach (var record in Records)
            text.Append(Encoding.UTF8.GetString(record)).Append('\n');
        return text.ToString();
    }

    private static Block ParseText(string text)
    {
        var lines = text[..^1].Split('\n');
        if (lines.Length < 8 || lines[0] != Header)
            throw new InvalidInputException($"it does not begin with {Header} and seven more lines");
        var block = new Block
        {
            Origin = Field(lines[1], "origin "),
            Height = Decimal64.Parse(Field(lines[2], "height "), "height"),
            TimeMs = Decimal64.Parse(Field(lines[3], "time "), "time"),
            Previous = StrictBase64.DecodeDigest(Field(lines[4], "prev "), "prev"),
            Tree = StrictBase64.DecodeDigest(Field(lines[5], "tree "), "tree"),
            Records = lines.Skip(7).Select(StrictUtf8.Encode).ToArray(),
        };
        var promised = Decimal64.Parse(Field(lines[6], "records "), "records");
        if (promised != block.Records.Count)
            throw new InvalidInputException($"it promises {promised} records and holds {block.Records.Count}");
        return block;
    }

    private static string Field(string line, string name) =>
        line.StartsWith(name, StringComparison.Ordinal)
            ? line[name.Length..]
            : throw new InvalidInputException($"'{line}' stands where '{name}...' is needed");
}
