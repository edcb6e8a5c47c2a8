using System.Buffers;
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

    private static ReadOnlySpan<byte> HeaderBytes => "ciuic.dev/block/v1"u8;

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
    /// <exception cref="InvalidInputException">The block is longer than 65,535 bytes, or a record is no line.</exception>
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
            return ParseText(SignedNote.Open(bytes, known).TextBytes);
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
            return ParseText(SignedNote.Parse(bytes).TextBytes);
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

    // Bytes from end to end: records are not turned into strings and back.
    private byte[] Text()
    {
        var text = new ArrayBufferWriter<byte>(MaxBytes);
        var head = $"{Header}\norigin {Origin}\nheight {Height}\ntime {TimeMs}\nprev {StrictBase64.Encode(Previous.Span)}\n"
            + $"tree {StrictBase64.Encode(Tree.Span)}\nrecords {Records.Count}\n";
        text.Write(StrictUtf8.Encode(head));
        foreach (var record in Records)
        {
            if (record.AsSpan().Contains((byte)'\n'))
                throw new InvalidInputException("A record is one line.");
            text.Write(record);
            text.Write("\n"u8);
        }

        return text.WrittenSpan.ToArray();
    }

    private static Block ParseText(ReadOnlySpan<byte> rest)
    {
        if (!TakeLine(ref rest).SequenceEqual(HeaderBytes))
            throw NotBegun();
        var origin = TakeField(ref rest, "origin ");
        var height = TakeField(ref rest, "height ");
        var time = TakeField(ref rest, "time ");
        var previous = TakeField(ref rest, "prev ");
        var tree = TakeField(ref rest, "tree ");
        var promised = Decimal64.Parse(TakeField(ref rest, "records "), "records");
        return new Block
        {
            Origin = origin,
            Height = Decimal64.Parse(height, "height"),
            TimeMs = Decimal64.Parse(time, "time"),
            Previous = StrictBase64.DecodeDigest(previous, "prev"),
            Tree = StrictBase64.DecodeDigest(tree, "tree"),
            Records = TakeRecords(rest, promised),
        };
    }

    private static byte[][] TakeRecords(ReadOnlySpan<byte> rest, long promised)
    {
        var held = rest.Count((byte)'\n');
        if (held == 0)
            throw NotBegun();
        if (promised != held)
            throw new InvalidInputException($"it promises {promised} records and holds {held}");
        var records = new byte[held][];
        for (var line = 0; line < held; line++)
            records[line] = TakeLine(ref rest).ToArray();
        return records;
    }

    private static ReadOnlySpan<byte> TakeLine(ref ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)'\n');
        if (end < 0)
            throw NotBegun();
        var line = rest[..end];
        rest = rest[(end + 1)..];
        return line;
    }

    private static string TakeField(ref ReadOnlySpan<byte> rest, string name)
    {
        var line = Encoding.UTF8.GetString(TakeLine(ref rest));
        return line.StartsWith(name, StringComparison.Ordinal)
            ? line[name.Length..]
            : throw new InvalidInputException($"'{line}' stands where '{name}...' is needed");
    }

    private static InvalidInputException NotBegun() => new($"it does not begin with {Header} and seven more lines");
}
