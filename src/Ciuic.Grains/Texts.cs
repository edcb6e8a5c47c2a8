using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>What others have written, before it is stored: a reason is read by people, and is not as long as somebody likes.</summary>
internal static class Texts
{
    /// <summary>Characters of a reason that are kept.</summary>
    public const int MaxLength = LedgerRecord.MaxReasonLength;

    /// <summary>The text, or its beginning where it is too long; never half a character.</summary>
    public static string Cut(string text)
    {
        if (text.Length <= MaxLength)
            return text;
        var end = MaxLength - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "\u2026");
    }
}
