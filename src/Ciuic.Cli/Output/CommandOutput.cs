using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ciuic.Core;
using Spectre.Console;

namespace Ciuic.Cli;

/// <summary>
/// Where answers go (standard output: tables or JSON) and where progress goes (standard error). All of it is made printable here: labels,
/// reasons and names are other people's, and what they write must not move the cursor of whoever looks.
/// </summary>
internal sealed class CommandOutput(TextWriter output, TextWriter error)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private static readonly JsonSerializerOptions JsonLine = new(Json) { WriteIndented = false };

    /// <summary>Writes one JSON document.</summary>
    public void WriteJson<T>(T value) => output.WriteLine(Printable.Json(JsonSerializer.Serialize(value, Json)));

    /// <summary>Writes a JSON object as one of many, a line each.</summary>
    public void WriteJsonLine<T>(T value) => output.WriteLine(Printable.Json(JsonSerializer.Serialize(value, JsonLine)));

    /// <summary>Writes a line.</summary>
    public void WriteLine(string line) => output.WriteLine(Printable.Line(line));

    /// <summary>Writes a line of progress.</summary>
    public void WriteProgress(string line) => error.WriteLine(Printable.Text(line));

    /// <summary>Writes why the program ends.</summary>
    public void Fail(string reason) => error.WriteLine($"ciuic: {Printable.Text(reason)}");

    /// <summary>Writes a warning beside the answer.</summary>
    public void Warn(string line) => error.WriteLine($"warning: {Printable.Text(line)}");

    /// <summary>Writes rows in aligned columns: drawn on a terminal, plain text elsewhere.</summary>
    public void WriteTable(string[] columns, IEnumerable<string[]> rows)
    {
        var all = rows.Select(row => row.Select(Printable.Line).ToArray()).ToList();
        if (IsTerminal)
            WriteDrawn(columns, all);
        else
            WritePlain([columns, .. all]);
    }

    /// <summary>Whether a person is looking.</summary>
    public bool IsTerminal => ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;

    private static void WriteDrawn(string[] columns, List<string[]> rows)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))));
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        AnsiConsole.Write(table);
    }

    private void WritePlain(List<string[]> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length)).ToArray();
        foreach (var row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c]))).TrimEnd());
    }
}
