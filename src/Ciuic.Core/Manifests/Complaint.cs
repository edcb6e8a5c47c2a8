using System.Globalization;
using System.Runtime.CompilerServices;

namespace Ciuic.Core;

/// <summary>
/// A message that is only put together where a rule is broken: a manifest of 100,000 tensors keeps a million rules, and the messages
/// would cost more than all else.
/// </summary>
[InterpolatedStringHandler]
internal ref struct Complaint
{
    private DefaultInterpolatedStringHandler _text;

    /// <param name="literalLength">From the compiler.</param>
    /// <param name="formattedCount">From the compiler.</param>
    /// <param name="holds">Whether the rule holds.</param>
    /// <param name="isNeeded">Whether anything is put together.</param>
    public Complaint(int literalLength, int formattedCount, bool holds, out bool isNeeded)
    {
        isNeeded = !holds;
        _text = holds ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    /// <summary>The message; once.</summary>
    public string Say() => _text.ToStringAndClear();
}
