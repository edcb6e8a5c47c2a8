using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>
/// Reads many snapshots of one run at once, as they are stored: a list of a thousand must not wake a thousand grains. Its key is the run.
/// </summary>
[Alias("ciuic.ISnapshotListGrain")]
public interface ISnapshotListGrain : IGrainWithStringKey
{
    /// <summary>
    /// Snapshots of the run, committed or not, the newest first. Fewer than asked for where the answer would be large, or numbers were
    /// given to nothing.
    /// </summary>
    /// <param name="from">The largest number that is wanted.</param>
    /// <param name="limit">How many numbers to look at, 1 to 1,000.</param>
    /// <exception cref="NotFoundException">There is no such run.</exception>
    [Alias("List")]
    Task<SnapshotPage> ListAsync(long from, int limit);
}

/// <summary>A part of a list of snapshots.</summary>
/// <param name="Snapshots">The newest first.</param>
/// <param name="Next">The number to go on from; 0 at the end.</param>
[GenerateSerializer, Immutable, Alias("ciuic.SnapshotPage")]
public sealed record SnapshotPage(SnapshotView[] Snapshots, long Next);
