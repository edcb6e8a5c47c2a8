using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Says which tensors a damaged chunk takes with it.</summary>
public static class Damage
{
    private const int MaxNamed = 3;

    /// <summary>The error for a damaged stretch of a shard.</summary>
    public static CorruptException Describe(ShardManifest shard, long offset, int length, Exception cause)
    {
        var hit = Stretches(shard)
            .Where(s => s.Offset < offset + length && offset < s.Offset + s.Length)
            .Select(s => $"{s.Item}/{s.Name}")
            .ToList();
        var more = hit.Count > MaxNamed ? $" and {hit.Count - MaxNamed} more" : "";
        return new CorruptException(
            $"run {shard.Run}, snapshot #{shard.Sequence}, rank {shard.Rank}, "
            + $"tensor {string.Join(", ", hit.Take(MaxNamed))}{more}: {cause.Message}",
            cause);
    }

    internal static IEnumerable<(string Item, string Name, long Offset, long Length)> Stretches(
        ShardManifest shard) =>
        shard.Tensors.Select(t => (t.Item, t.Name, t.Offset, t.Length))
            .Concat(shard.Bytes.Select(b => (b.Item, b.Name, b.Offset, b.Length)));
}
