namespace Ciuic.Benchmarks;

/// <summary>The parts of the comparison.</summary>
internal enum ComparePart
{
    /// <summary>What the machine can do at most: copies, hashes, codecs on one core, the disk.</summary>
    Machine,

    /// <summary>Our saves and restores of one state.</summary>
    Saves,

    /// <summary>Other programs on the same bytes.</summary>
    Peers,

    /// <summary>Whether cost grows with size alone: 64 MiB to 4 GiB.</summary>
    Scale,

    /// <summary>Memory over 200 saves.</summary>
    Memory,

    /// <summary>The cost of a commit after 10, 1,000 and 10,000 snapshots.</summary>
    Length,
}

/// <summary>What the comparison of saves and restores measures.</summary>
/// <param name="Gaps">Steps between the snapshot that is measured and the one before, smallest first.</param>
/// <param name="Repetitions">Times each figure is taken; the median counts.</param>
/// <param name="WarmUpSteps">Steps trained before the first snapshot.</param>
/// <param name="SyntheticBytes">Size of a state that is made up; null to train a real model.</param>
/// <param name="Parts">Which parts.</param>
/// <param name="Folder">Works below it, on the disk that is to be measured.</param>
internal sealed record ComparePlan(
    IReadOnlyList<long> Gaps, int Repetitions, long WarmUpSteps, long? SyntheticBytes, IReadOnlySet<ComparePart> Parts, string Folder);
