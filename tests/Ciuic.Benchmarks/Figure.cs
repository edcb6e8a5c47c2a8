namespace Ciuic.Benchmarks;

/// <summary>One measured number.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Callers">How many asked at once.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit, such as <c>records/s</c>.</param>
/// <param name="P50Ms">Median latency, milliseconds; null where none was taken.</param>
/// <param name="P99Ms">99th percentile of the latency, milliseconds.</param>
/// <param name="Cores">Cores kept busy by this process meanwhile.</param>
/// <param name="Note">How it was measured, where the name does not say.</param>
internal sealed record Figure(
    string Name,
    int Callers,
    double Value,
    string Unit,
    double? P50Ms = null,
    double? P99Ms = null,
    double? Cores = null,
    string? Note = null);
