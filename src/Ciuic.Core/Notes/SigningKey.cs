using System.Globalization;
using NSec.Cryptography;

namespace Ciuic.Core;

/// <summary>
/// A private Ed25519 key that signs notes, in Go's form
/// <c>PRIVATE+KEY+name+hex8(key id)+base64(type || seed)</c>. It never prints itself.
/// </summary>
public sealed class SigningKey : IDisposable
{
    /// <summary>Bytes of random seed a key is made from.</summary>
    public const int SeedSize = 32;

    private const string Prefix = "PRIVATE+KEY+";

    private readonly Key _key;
    private readonly byte[] _seed;

    private SigningKey(string name, byte[] seed)
    {
        _seed = seed;
        _key = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        Verifier = VerifierKey.Create(
            name, KeyAlgorithm.Ed25519, _key.PublicKey.Export(KeyBlobFormat.RawPublicKey));
    }

    /// <summary>The public half.</summary>
    public VerifierKey Verifier { get; }

    /// <summary>Who signs.</summary>
    public string Name => Verifier.Name;

    /// <summary>Makes the key that belongs to a 32-byte random seed.</summary>
    /// <exception cref="InvalidInputException">The name is malformed or the seed not 32 bytes long.</exception>
    public static SigningKey FromSeed(string name, ReadOnlySpan<byte> seed)
    {
        if (seed.Length != SeedSize)
            throw new InvalidInputException($"A signing key is made from {SeedSize} bytes, not {seed.Length}.");
        return new SigningKey(name, seed.ToArray());
    }

    /// <summary>Reads a private key. The message of an error never holds any of it.</summary>
    /// <exception cref="InvalidInputException">The text is malformed, or its key id is not that of its key.</exception>
    public static SigningKey Parse(string text)
    {
        const string Complaint = "This is not a signing key: PRIVATE+KEY+name+keyid+base64 is needed.";
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            throw new InvalidInputException(Complaint);
        var parts = text[Prefix.Length..].Split('+', 3);
        if (parts.Length != 3 || !StrictBase64.TryDecode(parts[2], out var typed))
            throw new InvalidInputException(Complaint);
        if (typed.Length != 1 + SeedSize || typed[0] != (byte)KeyAlgorithm.Ed25519 || !KeyName.IsValid(parts[0]))
            throw new InvalidInputException(Complaint);
        var key = new SigningKey(parts[0], typed[1..]);
        if (key.Verifier.Id.ToString("x8", CultureInfo.InvariantCulture) != parts[1])
            throw new InvalidInputException($"The signing key of '{parts[0]}' is damaged: its key id is not its own.");
        return key;
    }

    /// <summary>The private key as text, for a file that only its owner can read.</summary>
    public string Export() =>
        $"{Prefix}{Name}+{Verifier.Id:x8}+{StrictBase64.Encode([(byte)KeyAlgorithm.Ed25519, .. _seed])}";

    /// <summary>Signs a text: 64 bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> text) => SignatureAlgorithm.Ed25519.Sign(_key, text);

    /// <inheritdoc/>
    public override string ToString() => $"signing key of {Name}";

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();
}
