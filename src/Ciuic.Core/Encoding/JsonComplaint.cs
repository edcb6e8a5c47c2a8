using System.Text.Json;
using System.Text.RegularExpressions;

namespace Ciuic.Core;

/// <summary>What is wrong with JSON, in the words of whoever wrote it: paths and names of members, never the classes that were to take them.</summary>
public static partial class JsonComplaint
{
    /// <summary>Says it in a line.</summary>
    public static string Of(JsonException error)
    {
        var message = Tail().Replace(error.Message, "").Trim();
        var place = PlaceOf(error);
        if (message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal))
            return $"{place} is not the kind of value that belongs there{(error.InnerException is null ? "" : $": {WithoutTypes(error.InnerException.Message)}")}";
        return place.Length == 0 || place == "the document" ? WithoutTypes(message) : $"{place}: {WithoutTypes(message)}";
    }

    /// <summary>Where it is wrong: <c>plan.labels.note</c>.</summary>
    public static string PlaceOf(JsonException error) => error.Path switch
    {
        null or "" or "$" => "the document",
        var path => path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : path.TrimStart('$'),
    };

    /// <summary>.NET's messages name types of ours: in quotes, or as names with dots.</summary>
    private static string WithoutTypes(string message) => Types().Replace(message, "").Replace("  ", " ", StringComparison.Ordinal).Trim();

    [GeneratedRegex(@"\s*Path: .*$", RegexOptions.Singleline)]
    private static partial Regex Tail();

    [GeneratedRegex(@"(on |for |of )?(the )?type '[^']*'|'?\b(Ciuic|System)\.[\w.`\[\],+<>]+'?")]
    private static partial Regex Types();
}
