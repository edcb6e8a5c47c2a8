using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Ciuic.Benchmarks;

/// <summary>Prints figures as they come, and keeps them for a file.</summary>
internal sealed class BenchmarkReport(TextWriter output)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly List<Figure> _figures = [];

    public void Add(Figure figure)
    {
        if (_figures.Count == 0)
            output.WriteLine($"{"",-46} {"callers",7} {"",14} {"",-18} {"p50 ms",9} {"p99 ms",9} {"cores",6}");
        _figures.Add(figure);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{figure.Name,-46} {figure.Callers,7} {Number(figure.Value),14} {figure.Unit,-18} {figure.P50Ms,9:0.00} {figure.P99Ms,9:0.00} {figure.Cores,6:0.00}  {figure.Note}"));
    }

    /// <summary>The figure of that name measured last, for ratios.</summary>
    public double ValueOf(string name, int callers) =>
        _figures.Last(f => f.Name == name && f.Callers == callers).Value;

    /// <summary>The figure of that name measured last; null where it was not.</summary>
    public double? Find(string name) => _figures.FindLast(f => f.Name == name)?.Value;

    /// <summary>All of them in the order they were measured.</summary>
    public IReadOnlyList<Figure> Figures => _figures;

    public async Task WriteJsonAsync(string path, CancellationToken cancel)
    {
        var report = new
        {
            Machine = new
            {
                Cores = Environment.ProcessorCount,
                System = RuntimeInformation.OSDescription,
                Runtime = RuntimeInformation.FrameworkDescription,
            },
            Figures = _figures,
        };
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(report, Json), cancel);
    }

    private static string Number(double value) =>
        value.ToString(value < 100 ? "0.00" : "#,0", CultureInfo.InvariantCulture);
}
