using System.Buffers.Text;

namespace Ciuic.Core;

/// <summary>
/// Standard padded base64 with one spelling per value. .NET's decoder skips white space and drops non-zero
/// trailing bits, so two texts could name one value; here a text counts only if it is what encoding yields.
/// </summary>
public static class StrictBase64
{
    /// <summary>Encodes with the standard alphabet and padding.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes);

    /// <summary>Decodes the canonical spelling and nothing else.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        var buffer = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (!Convert.TryFromBase64Chars(text, buffer, out var written))
            return false;
        if (!text.SequenceEqual(Convert.ToBase64String(buffer, 0, written)))
            return false;
        bytes = buffer[..written];
        return true;
    }

    /// <summary>Decodes or says which field is not canonical base64.</summary>
    /// <exception cref="InvalidInputException">The text is not canonical base64.</exception>
    public static byte[] Decode(ReadOnlySpan<char> text, string what) =>
        TryDecode(text, out var bytes)
            ? bytes
            : throw new InvalidInputException($"{what}: '{text}' is not canonical base64.");

    /// <summary>Decodes 32 bytes or says which field does not hold a digest.</summary>
    /// <exception cref="InvalidInputException">The text is not canonical base64 of 32 bytes.</exception>
    public static Digest DecodeDigest(ReadOnlySpan<char> text, string what)
    {
        var bytes = Decode(text, what);
        return bytes.Length == Digest.Size
            ? new Digest(bytes)
            : throw new InvalidInputException($"{what}: {bytes.Length} bytes, a digest has {Digest.Size}.");
    }
}
