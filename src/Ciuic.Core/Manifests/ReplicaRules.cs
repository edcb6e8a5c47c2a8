using System.Globalization;

namespace Ciuic.Core;

/// <summary>
/// Whether ranks held the same values of what they saved as alike: each stores some of it only, and a snapshot of values that differ
/// would be a mixture that nobody ever trained.
/// </summary>
public static class ReplicaRules
{
    /// <summary>Bytes of one fingerprint.</summary>
    public const int FingerprintBytes = 16;

    /// <summary>Tensors that a complaint names; the others are counted.</summary>
    private const int Named = 4;

    /// <summary>Ranks, or groups of ranks that agree, that are listed of one tensor.</summary>
    private const int Listed = 8;

    private const string WaysOut =
        "Nothing of it is committed. A rank's part of a larger tensor is saved as a slice, with its place; what is each rank's own as per rank; "
        + "what should be alike is made alike before the save; or it is said that rank 0's values count, as those of a module's buffers do";

    /// <summary>The tensors that differ, and between which ranks; null where none do, or where earlier versions did not say.</summary>
    /// <param name="shards">All shards, by rank, of one <see cref="ShardManifest.Replicated"/>.</param>
    internal static string? FindComplaint(IReadOnlyList<ShardManifest> shards)
    {
        if (shards.All(s => s.Fingerprints is null))
            return null;
        if (shards.FirstOrDefault(s => s.Fingerprints is null) is { } silent)
            return $"rank {silent.Rank} does not say what values it held, and others do: the ranks run different versions of this library";
        var names = NamesOf(shards);
        foreach (var shard in shards)
        {
            var (said, held) = (shard.Fingerprints!.Length / FingerprintBytes, names.Count + shard.Tensors.Count(t => t.GlobalShape is not null));
            if (said != held)
                return $"rank {shard.Rank} has fingerprints of {said} tensors, and by the shards there are {held}";
        }

        List<(string Name, string Ranks)> different = [.. DifferentReplicas(shards, names), .. DifferentSlices(shards, names.Count)];
        return different.Count == 0 ? null : Describe(different);
    }

    /// <summary>The tensors that all ranks have alike, in the order of their digest.</summary>
    private static List<(string Item, string Name)> NamesOf(IReadOnlyList<ShardManifest> shards)
    {
        var own = shards.SelectMany(s => s.Own ?? []).ToHashSet();
        return [.. shards
            .SelectMany(s => s.Tensors)
            .Where(t => t.GlobalShape is null && !own.Contains(t.Item))
            .Select(t => (t.Item, t.Name))
            .OrderBy(t => t.Item, StringComparer.Ordinal)
            .ThenBy(t => t.Name, StringComparer.Ordinal)];
    }

    private static IEnumerable<(string Name, string Ranks)> DifferentReplicas(
        IReadOnlyList<ShardManifest> shards, List<(string Item, string Name)> names)
    {
        var bytes = names.Count * FingerprintBytes;
        if (shards.All(s => s.Fingerprints.AsSpan(0, bytes).SequenceEqual(shards[0].Fingerprints.AsSpan(0, bytes))))
            yield break;
        for (var i = 0; i < names.Count; i++)
        {
            if (RanksOf(shards.Select(s => (s.Rank, At(s, i)))) is { } ranks)
                yield return ($"{names[i].Item}/{names[i].Name}", ranks);
        }
    }

    /// <summary>Slices that several ranks have of the same place.</summary>
    private static IEnumerable<(string Name, string Ranks)> DifferentSlices(IReadOnlyList<ShardManifest> shards, int before) => shards
        .SelectMany(s => s.Tensors.Where(t => t.GlobalShape is not null).Select((t, i) => (s.Rank, Tensor: t, Value: At(s, before + i))))
        .GroupBy(s => (s.Tensor.Item, s.Tensor.Name, string.Join(' ', s.Tensor.GlobalOffset!), string.Join(' ', s.Tensor.Shape)))
        .Select(g => (Name: $"{g.Key.Item}/{g.Key.Name}", Ranks: RanksOf(g.Select(s => (s.Rank, s.Value)))))
        .Where(g => g.Ranks is not null)
        .Select(g => (g.Name, g.Ranks!));

    private static UInt128 At(ShardManifest shard, int index) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(shard.Fingerprints.AsSpan(index * FingerprintBytes));

    /// <summary>Which ranks agree with which; null where all do.</summary>
    private static string? RanksOf(IEnumerable<(Rank Rank, UInt128 Value)> held)
    {
        var groups = held.GroupBy(h => h.Value).Select(g => Few(g.Select(h => h.Rank.ToString()), ", ")).ToList();
        return groups.Count == 1 ? null : $"ranks {Few(groups, " | ")}";
    }

    private static string Few(IEnumerable<string> texts, string between)
    {
        var all = texts.ToList();
        return string.Join(between, all.Take(Listed)) + (all.Count > Listed ? $"{between}{all.Count - Listed} more" : "");
    }

    private static string Describe(List<(string Name, string Ranks)> different)
    {
        var named = string.Join(", ", different.Take(Named).Select(d => $"{d.Name} ({d.Ranks})"));
        var more = different.Count > Named ? string.Create(CultureInfo.InvariantCulture, $" and {different.Count - Named} more") : "";
        return $"the ranks hold different values of what was to be saved as alike on all of them: {named}{more}. {WaysOut}";
    }
}
