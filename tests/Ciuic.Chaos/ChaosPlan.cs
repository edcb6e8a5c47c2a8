namespace Ciuic.Chaos;

/// <summary>What is set up, and for how long it is broken.</summary>
/// <param name="Silos">Silos, 1 or more.</param>
/// <param name="Runs">Runs that are trained at once.</param>
/// <param name="Ranks">Processes that train each run.</param>
/// <param name="Duration">How long faults are injected.</param>
/// <param name="Seed">Decides what happens when; processes have their own speed.</param>
/// <param name="Logs">Keeps what silos and ranks print; null for a folder that goes with the run.</param>
internal sealed record ChaosPlan(int Silos, int Runs, int Ranks, TimeSpan Duration, int Seed, string? Logs);
