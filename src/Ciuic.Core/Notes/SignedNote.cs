using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Ciuic.Core;

/// <summary>
/// A C2SP signed note: a text that ends in a newline, an empty line, and signature lines
/// <c>— name base64(key id || signature)</c>.
/// </summary>
public sealed class SignedNote
{
    /// <summary>More signature lines than this are refused, as Go does.</summary>
    public const int MaxSignatures = 100;

    /// <summary>More bytes than this are refused: nothing that Ciuic signs is longer than a block.</summary>
    public const int MaxBytes = 1 << 20;

    private const string LineStart = "\u2014 ";

    /// <summary>What C2SP forbids: ASCII below the space, but for the newline.</summary>
    private static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (byte)c).Where(c => c != '\n')]);

    // Kept as bytes: that is what signatures cover, and a block of 60 kB is not turned into a string and back.
    private readonly byte[] _text;

    private SignedNote(byte[] text, IReadOnlyList<NoteSignature> signatures)
    {
        _text = text;
        Signatures = signatures;
    }

    /// <summary>What is signed, with its final newline.</summary>
    public string Text => Encoding.UTF8.GetString(_text);

    /// <summary>The same as <see cref="Text"/>, as well-formed UTF-8.</summary>
    public ReadOnlySpan<byte> TextBytes => _text;

    /// <summary>All signature lines, checked or not.</summary>
    public IReadOnlyList<NoteSignature> Signatures { get; }

    /// <summary>Signs a text.</summary>
    /// <exception cref="InvalidInputException">The text does not end in a newline.</exception>
    public static byte[] Sign(string text, params ReadOnlySpan<SigningKey> keys) => Sign(StrictUtf8.Encode(text), keys);

    /// <summary>Signs a text given as UTF-8.</summary>
    /// <exception cref="InvalidInputException">The text does not end in a newline, or no note can hold it.</exception>
    public static byte[] Sign(ReadOnlySpan<byte> text, params ReadOnlySpan<SigningKey> keys)
    {
        if (!text.EndsWith("\n"u8))
            throw new InvalidInputException("A note's text ends in a newline.");
        RequireText(text); // what nobody could read must not be signed
        var note = new ArrayBufferWriter<byte>(text.Length + 256 * keys.Length);
        note.Write(text);
        note.Write("\n"u8);
        foreach (var key in keys)
            note.Write(StrictUtf8.Encode(SignatureLine(key.Verifier, key.Sign(text))));
        return note.WrittenSpan.ToArray();
    }

    /// <summary>Reads a note without believing it.</summary>
    /// <exception cref="InvalidInputException">The bytes are no signed note.</exception>
    public static SignedNote Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
            throw Malformed($"it has {bytes.Length} bytes");
        RequireText(bytes);
        var split = bytes.LastIndexOf("\n\n"u8);
        if (split < 0)
            throw Malformed("it has no empty line before its signatures");
        return new SignedNote(bytes[..(split + 1)].ToArray(), ParseLines(Encoding.UTF8.GetString(bytes[(split + 2)..])));
    }

    /// <summary>Reads a note and believes it only if a known key signed it.</summary>
    /// <returns>The keys that signed, each once.</returns>
    /// <exception cref="InvalidInputException">The bytes are no signed note.</exception>
    /// <exception cref="CorruptException">
    /// A signature by a known key is wrong, or no known key signed. Unknown keys' lines are ignored.
    /// </exception>
    public static SignedNote Open(ReadOnlySpan<byte> bytes, IReadOnlyList<VerifierKey> known)
    {
        var note = Parse(bytes);
        if (note.VerifiedBy(known).Count == 0)
            throw new CorruptException($"no known key signed this note (known: {string.Join(", ", known)})");
        return note;
    }

    /// <summary>The known keys whose signatures stand under the note, each once.</summary>
    /// <exception cref="CorruptException">A signature by a known key is wrong.</exception>
    public IReadOnlyList<VerifierKey> VerifiedBy(IReadOnlyList<VerifierKey> known)
    {
        var signers = new List<VerifierKey>();
        foreach (var line in Signatures)
        {
            var key = known.FirstOrDefault(k => k.Id == line.KeyId && k.Name == line.Name);
            if (key is null || signers.Contains(key))
                continue;
            if (!key.Verify(_text, line.Signature))
                throw new CorruptException($"the signature of {key.Name} (key {key.Id:x8}) under this note is wrong");
            signers.Add(key);
        }

        return signers;
    }

    /// <summary>The witnesses among the known keys that cosigned, each once, however many lines it left.</summary>
    /// <exception cref="CorruptException">A cosignature by a known witness is wrong.</exception>
    public IReadOnlyList<Cosignature> CosignedBy(IReadOnlyList<VerifierKey> witnesses)
    {
        var signers = VerifiedBy(witnesses.Where(w => w.Algorithm == KeyAlgorithm.Ed25519Cosignature).ToList());
        return signers.Select(w => Cosignature.Of(w, LineOf(w).Signature)).ToList();
    }

    /// <summary>The note's bytes with these lines (each as <see cref="SignatureLine"/> makes it) below the others.</summary>
    public byte[] WithLines(IEnumerable<string> lines) => StrictUtf8.Encode(
        Text + "\n" + string.Concat(Signatures.Select(Line)) + string.Concat(lines));

    /// <summary>The note's bytes with more signatures below the others.</summary>
    public byte[] WithSignatures(IEnumerable<NoteSignature> more) => WithLines(more.Select(Line));

    /// <summary>Reads signature lines without a note, as a witness answers them.</summary>
    /// <exception cref="InvalidInputException">The text is no list of signature lines.</exception>
    public static IReadOnlyList<NoteSignature> ParseSignatures(ReadOnlySpan<byte> bytes) =>
        bytes.Length <= MaxBytes
            ? ParseLines(StrictUtf8.Decode(bytes, "A list of signatures"))
            : throw Malformed($"{bytes.Length} bytes of signatures");

    /// <summary>One signature line, with its newline.</summary>
    public static string SignatureLine(VerifierKey key, ReadOnlySpan<byte> signature) =>
        Line(new NoteSignature(key.Name, key.Id, signature.ToArray()));

    /// <summary>Whether UTF-8 holds an ASCII control character other than a newline.</summary>
    internal static bool HoldsControls(ReadOnlySpan<byte> text) => text.ContainsAny(Controls);

    private static void RequireText(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes))
            throw new InvalidInputException("A signed note is not well-formed UTF-8.");
        if (HoldsControls(bytes))
            throw Malformed("it holds control characters");
    }

    private NoteSignature LineOf(VerifierKey key) => Signatures.First(s => s.KeyId == key.Id && s.Name == key.Name);

    private static string Line(NoteSignature signature)
    {
        var bytes = new byte[sizeof(uint) + signature.Signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, signature.KeyId);
        signature.Signature.CopyTo(bytes.AsSpan(sizeof(uint)));
        return $"{LineStart}{signature.Name} {StrictBase64.Encode(bytes)}\n";
    }

    private static List<NoteSignature> ParseLines(string lines)
    {
        if (lines.Length == 0 || !lines.EndsWith('\n'))
            throw Malformed("its last signature line is not complete");
        var signatures = new List<NoteSignature>();
        var rest = lines.AsSpan()[..^1];
        foreach (var line in rest.Split('\n'))
        {
            if (signatures.Count == MaxSignatures)
                throw Malformed($"it has more than {MaxSignatures} signature lines");
            signatures.Add(ParseLine(rest[line]));
        }

        return signatures;
    }

    private static NoteSignature ParseLine(ReadOnlySpan<char> line)
    {
        if (!line.StartsWith(LineStart, StringComparison.Ordinal))
            throw Malformed($"'{line}' is no signature line");
        var rest = line[LineStart.Length..];
        var space = rest.IndexOf(' ');
        // A second space is no base64.
        if (space < 0 || !StrictBase64.TryDecode(rest[(space + 1)..], out var bytes))
            throw Malformed($"'{line}' is no signature line");
        var name = rest[..space].ToString();
        if (!KeyName.IsValid(name))
            throw Malformed($"'{line}' is no signature line");
        if (bytes.Length <= sizeof(uint))
            throw Malformed($"'{line}' holds no signature");
        return new NoteSignature(name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[sizeof(uint)..]);
    }

    private static InvalidInputException Malformed(string why) => new($"This is not a signed note: {why}.");
}
