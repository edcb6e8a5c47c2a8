using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Serialization;
using NSec.Cryptography;

namespace Ciuic.Core;

/// <summary>
/// A public key that checks signatures of notes, in the C2SP form
/// <c>name+hex8(key id)+base64(type || public key)</c>.
/// </summary>
[JsonConverter(typeof(VerifierKeyJsonConverter))]
public sealed class VerifierKey : IEquatable<VerifierKey>
{
    private const int KeySize = 32;
    private const int SignatureSize = 64;

    private readonly PublicKey _key;
    private readonly byte[] _typed;

    private VerifierKey(string name, KeyAlgorithm algorithm, byte[] typed, PublicKey key)
    {
        Name = name;
        Algorithm = algorithm;
        Id = ComputeId(name, typed);
        _typed = typed;
        _key = key;
    }

    /// <summary>Who signs: no white space, no plus sign.</summary>
    public string Name { get; }

    /// <summary>What its signatures cover.</summary>
    public KeyAlgorithm Algorithm { get; }

    /// <summary>First 4 bytes, big-endian, of SHA-256(name || 0x0A || type || public key).</summary>
    public uint Id { get; }

    /// <summary>Wraps a raw 32-byte Ed25519 public key.</summary>
    /// <exception cref="InvalidInputException">Name or key is malformed.</exception>
    public static VerifierKey Create(string name, KeyAlgorithm algorithm, ReadOnlySpan<byte> publicKey)
    {
        byte[] typed = [(byte)algorithm, .. publicKey];
        return TryCreate(name, typed)
            ?? throw new InvalidInputException($"'{name}' with {publicKey.Length} bytes is not a verifier key.");
    }

    /// <summary>Reads a verifier key.</summary>
    /// <exception cref="InvalidInputException">The text is malformed, or its key id is not that of its key.</exception>
    public static VerifierKey Parse(string text)
    {
        var parts = text.Split('+', 3); // base64 may hold more plus signs
        if (parts.Length != 3 || parts[1].Length != 8 || !StrictBase64.TryDecode(parts[2], out var typed))
            throw new InvalidInputException($"'{text}' is not a verifier key: name+keyid+base64 is needed.");
        if (!uint.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id)
            || parts[1].Any(char.IsAsciiLetterUpper))
            throw new InvalidInputException($"'{text}' is not a verifier key: its key id is no hex number in lower case.");
        var key = TryCreate(parts[0], typed)
            ?? throw new InvalidInputException($"'{text}' is not a verifier key of a type this program knows.");
        return key.Id == id
            ? key
            : throw new InvalidInputException($"'{text}' is damaged: its key id should be {key.Id:x8}.");
    }

    /// <summary>Whether this key made the signature over the text.</summary>
    public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        if (Algorithm == KeyAlgorithm.Ed25519)
            return signature.Length == SignatureSize && SignatureAlgorithm.Ed25519.Verify(_key, text, signature);
        if (signature.Length != Cosignature.TimeSize + SignatureSize || Cosignature.Seconds(signature) > long.MaxValue)
            return false;
        var message = Cosignature.Message(Cosignature.Seconds(signature), text);
        return SignatureAlgorithm.Ed25519.Verify(_key, message, signature[Cosignature.TimeSize..]);
    }

    /// <summary>Whether both wrap one public key, under whatever names: whoever signs for one signs for the other.</summary>
    public bool HasSamePublicKey(VerifierKey other) => _typed.AsSpan(1).SequenceEqual(other._typed.AsSpan(1));

    /// <inheritdoc/>
    public override string ToString() => $"{Name}+{Id:x8}+{StrictBase64.Encode(_typed)}";

    /// <inheritdoc/>
    public bool Equals(VerifierKey? other) => other?.ToString() == ToString();

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as VerifierKey);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)Id;

    private static VerifierKey? TryCreate(string name, byte[] typed)
    {
        if (!KeyName.IsValid(name) || typed.Length != 1 + KeySize)
            return null;
        var algorithm = (KeyAlgorithm)typed[0];
        if (algorithm is not (KeyAlgorithm.Ed25519 or KeyAlgorithm.Ed25519Cosignature))
            return null;
        return PublicKey.TryImport(
            SignatureAlgorithm.Ed25519, typed.AsSpan(1), KeyBlobFormat.RawPublicKey, out var key)
            ? new VerifierKey(name, algorithm, typed, key!)
            : null;
    }

    private static uint ComputeId(string name, byte[] typed)
    {
        var hash = Digest.Of([.. StrictUtf8.Encode(name), 0x0A, .. typed]);
        return BinaryPrimitives.ReadUInt32BigEndian(hash.Span);
    }
}
