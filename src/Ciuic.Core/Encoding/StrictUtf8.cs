using System.Text;

namespace Ciuic.Core;

/// <summary>UTF-8 that refuses ill-formed input instead of replacing it.</summary>
public static class StrictUtf8
{
    private static readonly UTF8Encoding Encoding = new(false, throwOnInvalidBytes: true);

    /// <summary>The bytes of a text, without a byte order mark.</summary>
    public static byte[] Encode(string text) => Encoding.GetBytes(text);

    /// <summary>The text of well-formed bytes, or an error that names the thing.</summary>
    /// <exception cref="InvalidInputException">The bytes are not well-formed UTF-8.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes, string what)
    {
        try
        {
            return Encoding.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidInputException($"{what} is not well-formed UTF-8.", error);
        }
    }
}
