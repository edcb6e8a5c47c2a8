namespace Ciuic.Snapshots;

/// <summary>Chunks that are stored one after the other, because the later ones are predicted from the earlier ones.</summary>
/// <param name="Chunks">Their indexes in the shard, in this order.</param>
/// <param name="Moved">What moved them together; null for a chunk on its own.</param>
internal sealed record UploadUnit(IReadOnlyList<int> Chunks, MovedChunks? Moved)
{
    /// <summary>All chunks of a shard, each in one unit.</summary>
    public static List<UploadUnit> Of(StagedShard shard)
    {
        var taken = new HashSet<int>();
        var units = new List<UploadUnit>();
        foreach (var moved in shard.Moved)
        {
            int[] chunks = [moved.Mean, moved.Square, moved.Weight];
            if (!chunks.Any(taken.Contains) && chunks.All(taken.Add))
                units.Add(new UploadUnit(chunks, moved));
        }

        units.AddRange(Enumerable.Range(0, shard.Chunks.Count).Where(i => !taken.Contains(i)).Select(i => new UploadUnit([i], null)));
        return units;
    }
}
