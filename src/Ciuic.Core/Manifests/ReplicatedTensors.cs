using System.Buffers.Binary;
using System.Text;

namespace Ciuic.Core;

/// <summary>One of the tensors that all ranks have alike.</summary>
/// <param name="Item">Its item.</param>
/// <param name="Name">Its name within the item.</param>
/// <param name="DType">Element type.</param>
/// <param name="Shape">Extent per dimension.</param>
/// <param name="Owner">The rank that stores it; null where the writer does not say, as those of before did not.</param>
public sealed record ReplicatedTensor(string Item, string Name, DType DType, IReadOnlyList<long> Shape, int? Owner = null);

/// <summary>
/// What ranks agree on without talking: each of them sees the same list and stores its share of it. Ranks that deal it out otherwise
/// have another digest, and the snapshot is refused: between them a tensor could be stored by nobody.
/// </summary>
public static class ReplicatedTensors
{
    /// <summary>The digest that all shards of a snapshot must have in common; see FORMAT.md.</summary>
    public static Digest DigestOf(IEnumerable<ReplicatedTensor> tensors)
    {
        var bytes = new MemoryStream();
        foreach (var tensor in tensors
            .OrderBy(t => t.Item, StringComparer.Ordinal)
            .ThenBy(t => t.Name, StringComparer.Ordinal))
        {
            Write(tensor.Item);
            Write(tensor.Name);
            Write(tensor.DType.Name());
            WriteLength(tensor.Shape.Count);
            foreach (var extent in tensor.Shape)
                WriteExtent(extent);
            if (tensor.Owner is { } owner)
                WriteLength(owner);
        }

        return Digest.Of(bytes.ToArray());

        void Write(string text)
        {
            var encoded = Encoding.UTF8.GetBytes(text);
            WriteLength(encoded.Length);
            bytes.Write(encoded);
        }

        void WriteLength(int length)
        {
            Span<byte> number = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(number, (uint)length);
            bytes.Write(number);
        }

        void WriteExtent(long extent)
        {
            Span<byte> number = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64BigEndian(number, extent);
            bytes.Write(number);
        }
    }

    /// <summary>
    /// Deals groups of bytes out to ranks, the largest first, each to the one that has least: every rank computes the same.
    /// </summary>
    /// <param name="bytes">Bytes of each group, in an order that is the same for all ranks.</param>
    /// <param name="worldSize">Ranks.</param>
    /// <returns>The rank of each group.</returns>
    public static int[] Deal(IReadOnlyList<long> bytes, int worldSize)
    {
        var owners = new int[bytes.Count];
        var load = new PriorityQueue<int, (long Bytes, int Rank)>();
        for (var rank = 0; rank < worldSize; rank++)
            load.Enqueue(rank, (0, rank));
        foreach (var group in Enumerable.Range(0, bytes.Count).OrderByDescending(g => bytes[g]).ThenBy(g => g))
        {
            load.TryDequeue(out var rank, out var has);
            owners[group] = rank;
            load.Enqueue(rank, (has.Bytes + bytes[group], rank));
        }

        return owners;
    }
}
