using System.Runtime.CompilerServices;

namespace Ciuic.Core;

/// <summary>
/// What must hold in a shard manifest beyond its JSON: the records lie back to back over exactly the bytes
/// of the chunks, lengths follow from shapes, and no name is used twice.
/// </summary>
internal static class ShardManifestRules
{
    public static void Check(ShardManifest shard)
    {
        Require(shard.Format == ShardManifest.CurrentFormat,
            $"the format is '{shard.Format}', this program reads {ShardManifest.CurrentFormat}");
        foreach (var chunk in shard.Chunks.Concat(shard.Bases ?? []))
        {
            Require(chunk.Length is > 0 and <= ManifestLimits.MaxChunkBytes,
                $"chunk {chunk.Id} has {chunk.Length} bytes");
        }

        Require(shard.Bases is not { Count: 0 }, "its list of bases is there and empty");
        CheckRanks(shard);
        CheckBases(shard);
        var end = CheckOrder(shard);
        Require(end == shard.Length, $"the records cover {end} bytes, the chunks hold {shard.Length}");
    }

    private static void CheckRanks(ShardManifest shard)
    {
        Require(shard.Own is not { Count: 0 }, "its list of items of its own is there and empty");
        for (var i = 1; i < shard.Own?.Count; i++)
            Require(string.CompareOrdinal(shard.Own[i - 1], shard.Own[i]) < 0, "its list of items of its own is not in order");
        Require(shard.Replicated is not null || (shard.Own is null && shard.Fingerprints is null), "it says of other ranks what only ranks say");
        Require(shard.Fingerprints is null || shard.Fingerprints.Length % ReplicaRules.FingerprintBytes == 0, "a fingerprint is cut off");
        var last = new Dictionary<string, int>();
        foreach (var tensor in shard.Tensors)
        {
            Require(tensor.Order is null == shard.Tensors[0].Order is null, $"{tensor.Item}/{tensor.Name} has an order and others have none, or the reverse");
            if (tensor.Order is not { } order)
                continue;
            Require(order > last.GetValueOrDefault(tensor.Item, -1), $"{tensor.Item}/{tensor.Name} is not in its order");
            last[tensor.Item] = order;
        }
    }

    private static void CheckBases(ShardManifest shard)
    {
        var records = new Dictionary<ChunkId, ChunkRecord>();
        foreach (var chunk in shard.Chunks)
            Require(records.TryAdd(chunk.Id, chunk) || records[chunk.Id] == chunk, $"chunk {chunk.Id} is there in two ways");
        foreach (var chunk in shard.Bases ?? [])
            Require(records.TryAdd(chunk.Id, chunk), $"chunk {chunk.Id} is there twice");
        foreach (var chunk in records.Values)
        {
            Require((chunk.Input1 is null) == (chunk.Input2 is null) && (chunk.Input1 is null || chunk.Base is not null),
                $"chunk {chunk.Id} has a part of what it would be predicted from");
        }

        var depths = new Dictionary<ChunkId, int>();
        foreach (var chunk in records.Values)
            CheckDepth(records, depths, chunk, ManifestLimits.MaxDeltaChain);
        foreach (var chunk in records.Values.Where(c => c.Base is not null))
            CheckFamily(records, chunk);
    }

    /// <summary>How many others are needed in all: a reader decodes each of them, and holds some at once.</summary>
    private static void CheckFamily(Dictionary<ChunkId, ChunkRecord> records, ChunkRecord chunk)
    {
        var seen = new HashSet<ChunkId>();
        var left = new Stack<ChunkRecord>([chunk]);
        while (left.TryPop(out var at))
        {
            foreach (var source in at.Sources.Where(seen.Add))
                left.Push(records[source]);
            Require(seen.Count <= ManifestLimits.MaxFamily, $"chunk {chunk.Id} needs more than {ManifestLimits.MaxFamily} others");
        }
    }

    /// <summary>How many others, at most, lie one behind the other between a chunk and one that is stored whole.</summary>
    private static int CheckDepth(
        Dictionary<ChunkId, ChunkRecord> records, Dictionary<ChunkId, int> depths, ChunkRecord chunk, int allowed)
    {
        if (depths.TryGetValue(chunk.Id, out var known) && known <= allowed)
            return known;
        var depth = 0;
        foreach (var source in chunk.Sources)
        {
            Require(records.TryGetValue(source, out var basis), $"chunk {chunk.Id} has a base {source} that is not listed");
            Require(basis!.Length == chunk.Length, $"chunk {chunk.Id} of {chunk.Length} bytes has a base of {basis.Length}");
            Require(allowed > 0, $"more than {ManifestLimits.MaxDeltaChain} differences lie between a chunk and a whole one; {chunk.Id} is the last");
            depth = Math.Max(depth, 1 + CheckDepth(records, depths, basis, allowed - 1));
        }

        return depths[chunk.Id] = depth;
    }

    private static long CheckOrder(ShardManifest shard)
    {
        var names = new HashSet<(string, string)>();
        var end = 0L;
        foreach (var tensor in shard.Tensors)
        {
            CheckTensor(tensor);
            end = Follow(names, end, (tensor.Item, tensor.Name), tensor.Offset, tensor.Length);
        }

        foreach (var item in shard.Bytes)
            end = Follow(names, end, (item.Item, item.Name), item.Offset, item.Length);
        return end;
    }

    private static long Follow(
        HashSet<(string, string)> names, long end, (string Item, string Name) what, long offset, long length)
    {
        Require(what.Item.Length is > 0 and <= ManifestLimits.MaxNameLength, "an item has no name or a huge one");
        Require(what.Name.Length <= ManifestLimits.MaxNameLength, $"a name in '{what.Item}' is huge");
        Require(names.Add(what), $"{what.Item}/{what.Name} is there twice");
        Require(offset >= end, $"{what.Item}/{what.Name} overlaps the record before it");
        Require(offset == end, $"there is a gap before {what.Item}/{what.Name}");
        Require(length >= 0 && length <= long.MaxValue - end, $"{what.Item}/{what.Name} has a length that lies");
        return end + length;
    }

    private static void CheckTensor(TensorRecord tensor)
    {
        var name = $"{tensor.Item}/{tensor.Name}";
        Require(tensor.Shape.Count <= ManifestLimits.MaxDimensions, $"{name} has {tensor.Shape.Count} dimensions");
        Require(tensor.DType.ByteLength(tensor.Shape) == tensor.Length,
            $"{name} of {tensor.DType.Name()} [{string.Join(", ", tensor.Shape)}] cannot have {tensor.Length} bytes");
        Require((tensor.GlobalShape is null) == (tensor.GlobalOffset is null),
            $"{name} has one of global_shape and global_offset without the other");
        if (tensor.GlobalShape is { } whole && tensor.GlobalOffset is { } offset)
            CheckSlice(name, tensor, whole, offset);
    }

    private static void CheckSlice(
        string name, TensorRecord tensor, IReadOnlyList<long> whole, IReadOnlyList<long> offset)
    {
        var shape = tensor.Shape;
        Require(tensor.DType.ByteLength(whole) is not null, $"{name} is a slice of a tensor of an impossible shape");
        Require(whole.Count == shape.Count && offset.Count == shape.Count,
            $"{name} has a global shape or offset of another rank than its shape");
        for (var d = 0; d < shape.Count; d++)
        {
            Require(offset[d] >= 0 && shape[d] <= whole[d] && offset[d] <= whole[d] - shape[d],
                $"{name} reaches beyond its whole tensor in dimension {d}");
        }
    }

    private static void Require(bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref Complaint complaint)
    {
        if (!holds)
            Require(holds, complaint.Say());
    }

    private static void Require(bool holds, string complaint)
    {
        if (!holds)
            throw new InvalidInputException($"This is not a valid shard manifest: {complaint}.");
    }
}
