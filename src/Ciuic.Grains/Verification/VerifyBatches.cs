using System.Buffers.Binary;
using System.Text;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// The chunks of a shard in batches. A chunk goes to a verifier by its place, the tensor and how far into it: the next snapshot's
/// chunk of that place is likely to be the difference to it, and finds it in that silo's memory. Pure.
/// </summary>
internal static class VerifyBatches
{
    private const long MaxBatchBytes = 64 << 20;

    public static List<(int Verifier, Queue<FamilyToVerify[]> Batches)> Of(ShardManifest shard, int verifiers, int maxChunks)
    {
        var places = PlacesOf(shard);
        var batchers = new SortedDictionary<int, Batcher>();
        foreach (var family in new ChunkGraph(shard).FamiliesOf(shard.Chunks.Select(c => c.Id)))
        {
            // The last one needs the others; they are of the same place, or belong to it.
            var verifier = VerifierOf(places[family.Order[^1].Id], verifiers);
            if (!batchers.TryGetValue(verifier, out var batcher))
                batchers[verifier] = batcher = new Batcher(maxChunks);
            batcher.Add(family);
        }

        return [.. batchers.Select(b => (b.Key, b.Value.Done()))];
    }

    /// <summary>The verifier of a place: the same in every process and snapshot while there are as many.</summary>
    public static int VerifierOf(string place, int verifiers) =>
        (int)(BinaryPrimitives.ReadUInt32LittleEndian(Digest.Of(Encoding.UTF8.GetBytes(place)).Span) % (uint)verifiers);

    private static Dictionary<ChunkId, string> PlacesOf(ShardManifest shard)
    {
        var stretches = shard.Tensors.Select(t => (t.Item, t.Name, t.Offset, t.Length))
            .Concat(shard.Bytes.Select(b => (b.Item, b.Name, b.Offset, b.Length)))
            .Where(s => s.Length > 0)
            .ToList();
        var places = new Dictionary<ChunkId, string>();
        var (offset, at) = (0L, 0);
        foreach (var chunk in shard.Chunks)
        {
            while (at + 1 < stretches.Count && stretches[at + 1].Offset <= offset)
                at++;
            var (item, name, begin, _) = stretches[at];
            places.TryAdd(chunk.Id, $"{shard.Run}/{shard.Rank}/{item}/{name}/{offset - begin}");
            offset += chunk.Length;
        }

        return places;
    }

    private sealed class Batcher(int maxChunks)
    {
        private readonly Queue<FamilyToVerify[]> _batches = [];
        private readonly List<FamilyToVerify> _batch = [];
        private int _chunks;
        private long _bytes;

        public void Add(ChunkFamily family)
        {
            // What is not wanted is read too: a chain of eight is eight chunks of work.
            var (more, length) = (family.Order.Count, family.Order.Sum(c => (long)c.Length));
            if (_batch.Count > 0 && (_chunks + more > maxChunks || _bytes + length > MaxBatchBytes))
                Flush();
            _batch.Add(new FamilyToVerify(
                [.. family.Order.Select(c => new ChunkToRead(c.Id, c.Length, c.Base, c.Input1, c.Input2))], [.. family.Wanted]));
            (_chunks, _bytes) = (_chunks + more, _bytes + length);
        }

        public Queue<FamilyToVerify[]> Done()
        {
            Flush();
            return _batches;
        }

        private void Flush()
        {
            _batches.Enqueue([.. _batch]);
            _batch.Clear();
            (_chunks, _bytes) = (0, 0);
        }
    }
}
