using System.Collections.Concurrent;
using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Says which items nothing trains: all their tensors are, to the bit, what they were in a committed snapshot of an earlier
/// step. Uploads are told of in their order, commits in theirs; saves that are never committed lie in between. After a save that has
/// failed nothing is known to be unchanged, and watching begins anew.
/// </summary>
internal sealed class TrainingWatch(RunId run, SaveOptions options, ILogger logger)
{
    private readonly HashSet<string> _frozen =
        [.. options.FrozenItems.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    private readonly Dictionary<string, int> _versions = [];
    private readonly ConcurrentDictionary<string, Known> _known = [];

    /// <summary>A save was uploaded; the answer is what <see cref="Committed"/> is told of it.</summary>
    /// <param name="tensors">What it holds.</param>
    /// <param name="health">What was noticed.</param>
    /// <returns>By item a number that is another one whenever its bytes are.</returns>
    public IReadOnlyDictionary<string, int> Uploaded(IReadOnlyList<TensorRecord> tensors, StateHealth health)
    {
        var versions = new Dictionary<string, int>();
        foreach (var item in tensors.Where(t => t.Length > 0).Select(t => t.Item).Distinct().Except(_frozen))
        {
            var changes = health.Unchanged.Contains(item) ? 0 : 1;
            versions[item] = _versions[item] = _versions.GetValueOrDefault(item) + changes;
        }

        return versions;
    }

    /// <summary>A save was committed: warns once for each item, until it changes again.</summary>
    /// <param name="versions">What <see cref="Uploaded"/> answered.</param>
    /// <param name="step">Its step; the same one saved twice has every reason to be the same.</param>
    /// <param name="sequence">Its place in the run.</param>
    public void Committed(IReadOnlyDictionary<string, int> versions, long step, Sequence sequence)
    {
        foreach (var (item, version) in versions)
        {
            if (!_known.TryGetValue(item, out var known) || known.Version != version)
            {
                _known[item] = new Known(version, step, sequence, IsTold: false);
            }
            else if (known.Step != step && !known.IsTold)
            {
                logger.Unchanged(run, item, known.Sequence, known.Step, step);
                _known[item] = known with { IsTold = true };
            }
        }
    }

    private sealed record Known(int Version, long Step, Sequence Sequence, bool IsTold);
}
