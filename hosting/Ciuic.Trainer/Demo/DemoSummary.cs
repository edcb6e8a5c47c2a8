using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Ciuic.Trainer;

/// <summary>One thing the demo set out to show.</summary>
/// <param name="Point">What.</param>
/// <param name="Held">Whether it held.</param>
/// <param name="Evidence">How one can tell.</param>
internal sealed record DemoPoint(string Point, bool Held, string Evidence);

/// <summary>What the demo showed.</summary>
internal sealed record DemoSummary(IReadOnlyList<DemoPoint> Points, TimeSpan Took, string Folder, string VerifierKey)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public bool Passed => Points.All(p => p.Held);

    public void WriteJson() => Console.WriteLine(JsonSerializer.Serialize(
        new { Passed, Seconds = Math.Round(Took.TotalSeconds, 1), Folder, VerifierKey, Points }, Json));

    public void Write()
    {
        if (Console.IsOutputRedirected)
            WritePlain();
        else
            WriteDrawn();
        var seconds = Took.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        Console.WriteLine($"{(Passed ? "Every point held" : "NOT every point held")}, in {seconds} s. All of it lies in {Folder}.");
        Console.WriteLine("Look around:  dotnet run --project src/Ciuic.Cli -- audit "
            + $"--store file:{Path.Combine(Folder, "store")} --key {VerifierKey}");
    }

    private void WritePlain()
    {
        Console.WriteLine();
        foreach (var point in Points)
            Console.WriteLine($"{(point.Held ? "yes" : "NO "),-4} {point.Point,-46} {point.Evidence}");
        Console.WriteLine();
    }

    private void WriteDrawn()
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("", "what was to be shown", "how one can tell");
        foreach (var point in Points)
        {
            table.AddRow(
                new Markup(point.Held ? "[green]yes[/]" : "[red]NO[/]"),
                new Text(point.Point),
                new Text(point.Evidence));
        }

        AnsiConsole.Write(table);
    }
}
