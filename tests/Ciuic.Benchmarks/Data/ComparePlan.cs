namespace Ciuic.Benchmarks;

/// <summary>What the comparison of saves and restores measures.</summary>
/// <param name="Gaps">Steps between the snapshot that is measured and the one before, smallest first.</param>
/// <param name="Repetitions">Times each figure is taken; the median counts.</param>
/// <param name="WarmUpSteps">Steps trained before the first snapshot.</param>
/// <param name="SyntheticBytes">Size of a state that is made up; null to train a real model.</param>
/// <param name="Folder">Works below it, on the disk that is to be measured.</param>
internal sealed record ComparePlan(IReadOnlyList<long> Gaps, int Repetitions, long WarmUpSteps, long? SyntheticBytes, string Folder);
