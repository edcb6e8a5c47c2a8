namespace Ciuic.Snapshots;

/// <summary>Chunks that are stored one after the other, because the later ones are predicted from the earlier ones.</summary>
/// <param name="Chunks">Their indexes in the shard, in this order.</param>
/// <param name="Moved">What moved them together; null for a chunk on its own.</param>
internal sealed record UploadUnit(IReadOnlyList<int> Chunks, MovedChunks? Moved)
{
    /// <summary>All chunks of a window, each in one unit.</summary>
    public static List<UploadUnit> Of(StagedShard window)
    {
        var taken = new HashSet<int>();
        var units = new List<UploadUnit>();
        // Where there is no room for the whole shard, there is none for the one before to differ from.
        foreach (var moved in window.IsWhole ? window.Plan.Moved : [])
        {
            int[] chunks = [moved.Mean, moved.Square, moved.Weight];
            if (!chunks.Any(taken.Contains) && chunks.All(taken.Add))
                units.Add(new UploadUnit(chunks, moved));
        }

        var others = Enumerable.Range(window.Window.First, window.Window.Count).Where(i => !taken.Contains(i));
        units.AddRange(others.Select(i => new UploadUnit([i], null)));
        return units;
    }
}
