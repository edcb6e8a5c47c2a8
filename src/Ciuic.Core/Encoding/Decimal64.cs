using System.Globalization;

namespace Ciuic.Core;

/// <summary>Non-negative decimal numbers with one spelling each: no sign, no leading zero, no space.</summary>
public static class Decimal64
{
    /// <summary>Reads a number from 0 to 2^63 - 1 that is spelled in the only way allowed.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        return text.Length is > 0 and <= 19
            && (text.Length == 1 || text[0] != '0')
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Reads a number or says which field holds no number.</summary>
    /// <exception cref="InvalidInputException">The text is not the one spelling of a number.</exception>
    public static long Parse(ReadOnlySpan<char> text, string what) =>
        TryParse(text, out var value)
            ? value
            : throw new InvalidInputException($"{what}: '{text}' is not a plain decimal number.");
}
