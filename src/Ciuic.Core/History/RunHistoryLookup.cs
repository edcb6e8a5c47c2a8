namespace Ciuic.Core;

/// <summary>Finds snapshots in a history by a person's reference.</summary>
public static class RunHistoryLookup
{
    /// <summary>The committed snapshot that a reference names, or null.</summary>
    /// <exception cref="InvalidInputException">A digest prefix fits several snapshots.</exception>
    public static CommittedSnapshot? Find(this RunHistory history, SnapshotRef reference) => reference switch
    {
        SnapshotRef.AtSequence at => history.Find(at.Sequence),
        SnapshotRef.AtStep at => history.Snapshots.LastOrDefault(s => s.Step == at.Step),
        SnapshotRef.Tagged with => history.Tags.TryGetValue(with.Tag.Value, out var link) ? history.Find(link.Sequence) : null,
        SnapshotRef.WithDigest with => Only(history, with.Prefix),
        _ => history.Head is { } head ? history.Find(head.Sequence) : null,
    };

    private static CommittedSnapshot? Only(RunHistory history, string prefix)
    {
        var found = history.Snapshots
            .Where(s => s.Link.Manifest.ToString().StartsWith(prefix, StringComparison.Ordinal))
            .ToList();
        return found.Count <= 1
            ? found.FirstOrDefault()
            : throw new InvalidInputException($"'{prefix}' fits {found.Count} snapshots of run {history.Run}: give more digits.");
    }
}
