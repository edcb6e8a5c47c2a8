using System.Security.Cryptography;
using System.Text;

namespace Ciuic.Core;

/// <summary>
/// Says that somebody has sent a chunk's bytes for a run: HMAC-SHA-256 under the gateways' common secret, cut to 16 bytes, of
/// run, zero byte and the object's key. Whoever lists a chunk must have one, or the chunk must be in the run's history already:
/// a name alone, which is a hash of somebody's bytes, gives nobody those bytes.
/// </summary>
public static class Receipt
{
    /// <summary>Bytes of a receipt.</summary>
    public const int Size = 16;

    /// <summary>Bytes of the secret.</summary>
    public const int SecretSize = 32;

    /// <summary>Writes a receipt.</summary>
    public static byte[] Write(ReadOnlySpan<byte> secret, RunId run, string key) =>
        HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"{run}\0{key}"))[..Size];

    /// <summary>Whether a receipt is one for this run and object; takes the same time whether it is or not.</summary>
    public static bool IsFor(ReadOnlySpan<byte> receipt, ReadOnlySpan<byte> secret, RunId run, string key) =>
        CryptographicOperations.FixedTimeEquals(receipt, Write(secret, run, key));
}
