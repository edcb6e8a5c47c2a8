using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Ciuic.Core;

/// <summary>
/// What a caller of the HTTP API shows: <c>ciuic_&lt;id&gt;_&lt;secret&gt;</c>, the id 12 hexadecimal digits, the secret 32 random
/// bytes in base64url. Servers keep the id and the secret's SHA-256 only; so many random bits need no slow hash.
/// </summary>
public sealed class ApiKey
{
    /// <summary>Random bytes of which a key is made: 6 for its id, 32 for its secret.</summary>
    public const int RandomBytes = IdBytes + SecretBytes;

    private const string Prefix = "ciuic_";
    private const int IdBytes = 6;
    private const int SecretBytes = 32;

    private readonly byte[] _secret;

    private ApiKey(string id, byte[] secret) => (Id, _secret) = (id, secret);

    /// <summary>Its public part: what lists and logs show.</summary>
    public string Id { get; }

    /// <summary>SHA-256 of its secret.</summary>
    public Digest Hash => Digest.Of(_secret);

    /// <summary>Makes a key of <see cref="RandomBytes"/> random bytes.</summary>
    public static ApiKey Of(ReadOnlySpan<byte> random)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(random.Length, RandomBytes);
        return new ApiKey(Convert.ToHexStringLower(random[..IdBytes]), random[IdBytes..].ToArray());
    }

    /// <summary>Reads a key; null where the text is none.</summary>
    public static ApiKey? TryParse(string text)
    {
        var parts = text.Trim().Split('_', 3);
        if (parts is not ["ciuic", { Length: 2 * IdBytes } id, var secret] || !id.All(char.IsAsciiHexDigitLower))
            return null;
        var bytes = new byte[SecretBytes];
        var encoded = Encoding.ASCII.GetBytes(secret);
        return Base64Url.IsValid(encoded, out var length) && length == SecretBytes
            && Base64Url.TryDecodeFromUtf8(encoded, bytes, out _)
            ? new ApiKey(id, bytes)
            : null;
    }

    /// <summary>Whether this is the key of which a server keeps the hash; takes the same time whether it is or not.</summary>
    public bool Fits(Digest hash) => CryptographicOperations.FixedTimeEquals(Hash.Span, hash.Span);

    /// <summary>The whole key with its secret, for whoever shall use it: shown once, never logged.</summary>
    public string Reveal() => $"{Prefix}{Id}_{Base64Url.EncodeToString(_secret)}";

    /// <summary>Without the secret.</summary>
    public override string ToString() => $"{Prefix}{Id}_…";
}
