using System.Text.Json;
using System.Text.RegularExpressions;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>Says which of a caller's values cannot be taken, in his words: the label 'note', the tensor 'fc.weight' of 'model'.</summary>
internal static partial class ArgumentComplaint
{
    private const int MaxShown = 60;

    /// <summary>The error for arguments that do not fit a call.</summary>
    public static InvalidInputException Of(JsonException error, byte[] arguments)
    {
        var steps = Steps().Matches(error.Path ?? "").Select(m => m.Groups["name"].Value + m.Groups["quoted"].Value + m.Groups["index"].Value).ToArray();
        try
        {
            using var document = JsonDocument.Parse(arguments);
            return new InvalidInputException($"{NameOf(document.RootElement, steps)} {WhatIsWrong(document.RootElement, steps)}.", error);
        }
        catch (Exception other) when (other is JsonException or InvalidOperationException)
        {
            return new InvalidInputException($"The arguments cannot be read: {JsonComplaint.Of(error)}.", error);
        }
    }

    private static string NameOf(JsonElement root, string[] steps) => steps switch
    {
        ["labels", var label] => $"The label '{label}'",
        ["metrics", var metric] => $"The metric '{metric}'",
        ["settings", var setting] => $"The setting '{setting}'",
        ["items", var i, "tensors", var t, ..] => $"The tensor '{TextAt(root, ["items", i, "tensors", t, "name"])}' of '{TextAt(root, ["items", i, "item"])}'",
        ["items", var i, "bytes", var name, ..] => $"The value '{name}' of '{TextAt(root, ["items", i, "item"])}'",
        ["items", var i, ..] => $"The item '{TextAt(root, ["items", i, "item"])}'",
        [var argument, ..] => $"'{argument}'",
        [] => "The call",
    };

    private static string WhatIsWrong(JsonElement root, string[] steps)
    {
        var (last, isLabel) = (steps.LastOrDefault() ?? "", steps is ["labels", _]);
        return At(root, steps) is not { } value ? "lacks something"
            : value.ValueKind == JsonValueKind.String && (isLabel || last is "name" or "item") ? "is no text: half of a character stands in it (a lone surrogate)"
            : isLabel ? $"is {Shown(value)}: a label is a text"
            : steps is ["metrics", _] ? $"is {Shown(value)}: a metric is a number"
            : steps is ["step" or "epoch" or "next_sample"] ? $"is {Shown(value)}: a whole number below 2^63 is needed"
            : $"cannot be taken: {Shown(value)} stands where something else belongs";
    }

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length > MaxShown ? $"{text[..MaxShown]}..." : text;
    }

    private static string TextAt(JsonElement root, string[] steps) =>
        At(root, steps) is { } value ? value.GetRawText().Trim('"') : "?"; // as it was written: it may be no text

    private static JsonElement? At(JsonElement at, string[] steps)
    {
        foreach (var step in steps)
        {
            if (at.ValueKind == JsonValueKind.Array && int.TryParse(step, out var index) && index < at.GetArrayLength())
                at = at[index];
            else if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(step, out var member))
                at = member;
            else
                return null;
        }

        return at;
    }

    [GeneratedRegex(@"\.(?<name>[^.\[]+)|\['(?<quoted>.*?)'\]|\[(?<index>\d+)\]")]
    private static partial Regex Steps();
}
