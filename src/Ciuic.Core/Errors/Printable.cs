using System.Globalization;
using System.Text;

namespace Ciuic.Core;

/// <summary>
/// Text that others have written (labels, reasons, names, host names, messages of servers) for terminals and logs: control characters move
/// the cursor and change what stands there already, and overrides of the writing direction make one name look like another. Both are
/// shown as <c>\u001B</c>. What is stored, and what programs read, stays as it is.
/// </summary>
public static class Printable
{
    /// <summary>Text of several lines: line ends and tabs stay.</summary>
    public static string Text(string text) => Escape(text, keepsLines: true);

    /// <summary>One line of text: line ends and tabs are shown, too.</summary>
    /// <param name="text">The text; null is shown as <c>null</c>.</param>
    public static string Line(string? text) => text is null ? "null" : Escape(text, keepsLines: false);

    /// <summary>A JSON document: the same characters as JSON's own escapes, so that a program reads what was there.</summary>
    /// <param name="json">A valid document. Its line ends are those between its parts.</param>
    public static string Json(string json) => Escape(json, keepsLines: true);

    private static string Escape(string text, bool keepsLines)
    {
        var first = 0;
        while (first < text.Length && IsShown(text, first, keepsLines) > 0)
            first += IsShown(text, first, keepsLines);
        if (first == text.Length)
            return text;
        var shown = new StringBuilder(text.Length + 16).Append(text, 0, first);
        for (var i = first; i < text.Length;)
        {
            var length = IsShown(text, i, keepsLines);
            if (length > 0)
                shown.Append(text, i, length);
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:X4}");
            i += Math.Max(1, length);
        }

        return shown.ToString();
    }

    /// <summary>How many UTF-16 units from here on are a character that is shown as it is; 0 where it is not.</summary>
    private static int IsShown(string text, int at, bool keepsLines)
    {
        var unit = text[at];
        if (unit is '\n' or '\t')
            return keepsLines ? 1 : 0;
        if (unit == '\r')
            return keepsLines && at + 1 < text.Length && text[at + 1] == '\n' ? 2 : 0; // alone it overwrites the line
        if (!char.IsSurrogate(unit))
            return IsHidden(unit) ? 0 : 1;
        if (!Rune.TryGetRuneAt(text, at, out var rune))
            return 0; // half a character
        return rune.Value is >= 0xE0000 and <= 0xE007F ? 0 : 2; // invisible copies of ASCII
    }

    private static bool IsHidden(char unit) => char.IsControl(unit)
        || unit is '\u061C' or '\u200E' or '\u200F' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') // direction
            or '\u2028' or '\u2029' or '\uFEFF' or (>= '\uFFF9' and <= '\uFFFB');
}
