using System.Globalization;
using NSec.Cryptography;

namespace Ciuic.Core;

/// <summary>
/// A private Ed25519 key that signs notes (type 01) or cosigns them as a witness (type 04), in Go's form
/// <c>PRIVATE+KEY+name+hex8(key id)+base64(type || seed)</c>. It never prints itself.
/// </summary>
public sealed class SigningKey : IDisposable
{
    /// <summary>Bytes of random seed a key is made from.</summary>
    public const int SeedSize = 32;

    private const string Prefix = "PRIVATE+KEY+";

    private readonly Key _key;
    private readonly byte[] _seed;

    private SigningKey(string name, KeyAlgorithm algorithm, byte[] seed)
    {
        _seed = seed;
        _key = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        Verifier = VerifierKey.Create(
            name, algorithm, _key.PublicKey.Export(KeyBlobFormat.RawPublicKey));
    }

    /// <summary>The public half.</summary>
    public VerifierKey Verifier { get; }

    /// <summary>Who signs.</summary>
    public string Name => Verifier.Name;

    /// <summary>Makes the key that belongs to a 32-byte random seed.</summary>
    /// <exception cref="InvalidInputException">The name is malformed or the seed not 32 bytes long.</exception>
    public static SigningKey FromSeed(string name, ReadOnlySpan<byte> seed) =>
        FromSeed(name, KeyAlgorithm.Ed25519, seed);

    /// <summary>Makes the key of a given type that belongs to a 32-byte random seed.</summary>
    /// <exception cref="InvalidInputException">The name is malformed or the seed not 32 bytes long.</exception>
    public static SigningKey FromSeed(string name, KeyAlgorithm algorithm, ReadOnlySpan<byte> seed)
    {
        if (seed.Length != SeedSize)
            throw new InvalidInputException($"A signing key is made from {SeedSize} bytes, not {seed.Length}.");
        return new SigningKey(name, algorithm, seed.ToArray());
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
        if (typed.Length != 1 + SeedSize || !Enum.IsDefined((KeyAlgorithm)typed[0]) || !KeyName.IsValid(parts[0]))
            throw new InvalidInputException(Complaint);
        var key = new SigningKey(parts[0], (KeyAlgorithm)typed[0], typed[1..]);
        if (key.Verifier.Id.ToString("x8", CultureInfo.InvariantCulture) != parts[1])
            throw new InvalidInputException($"The signing key of '{parts[0]}' is damaged: its key id is not its own.");
        return key;
    }

    /// <summary>The private key as text, for a file that only its owner can read.</summary>
    public string Export() =>
        $"{Prefix}{Name}+{Verifier.Id:x8}+{StrictBase64.Encode([(byte)Verifier.Algorithm, .. _seed])}";

    /// <summary>Signs a text: 64 bytes.</summary>
    /// <exception cref="InvalidOperationException">This is a witness's key: it cosigns.</exception>
    public byte[] Sign(ReadOnlySpan<byte> text)
    {
        Require(KeyAlgorithm.Ed25519);
        return SignatureAlgorithm.Ed25519.Sign(_key, text);
    }

    /// <summary>Cosigns a checkpoint's text as seen at a time: 8 bytes of time, 64 of signature.</summary>
    /// <exception cref="InvalidOperationException">This is not a witness's key.</exception>
    public byte[] Cosign(ReadOnlySpan<byte> text, DateTimeOffset seenAt)
    {
        Require(KeyAlgorithm.Ed25519Cosignature);
        var seconds = (ulong)seenAt.ToUnixTimeSeconds();
        return Cosignature.Encode(seconds, SignatureAlgorithm.Ed25519.Sign(_key, Cosignature.Message(seconds, text)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"signing key of {Name}";

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private void Require(KeyAlgorithm algorithm)
    {
        if (Verifier.Algorithm != algorithm)
            throw new InvalidOperationException($"The key of {Name} is of type {Verifier.Algorithm}, not {algorithm}.");
    }
}
