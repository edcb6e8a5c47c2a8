using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>Opens a committed snapshot for reading parts of it.</summary>
internal sealed class SnapshotReading(IObjectStore store, LedgerWatch ledger, int parallelism)
{
    private static readonly Rank ThisRank = new(0);

    public async Task<SavedSnapshot> OpenAsync(
        RunId run, SnapshotLink link, LedgerPosition? position, PartPatterns patterns, CancellationToken cancel)
    {
        await ledger.RequireRecordAsync(run, link, position, cancel);
        var reader = new ManifestReader(store);
        var manifest = await reader.ReadAsync(new SnapshotId(run, link.Sequence), link.Manifest, cancel);
        if (manifest.WorldSize != 1)
            throw new InvalidInputException($"Snapshot #{link.Sequence} was saved by {manifest.WorldSize} ranks; this client reads one.");
        var shard = await reader.ReadShardAsync(manifest.Id, ThisRank, manifest.Shards[0], cancel);
        patterns.RequireMatches(shard);
        var chunks = new ChunkStore(store);
        var content = StreamedShard.Open(chunks, shard, parallelism, cancel);
        var items = shard.Tensors.Select(t => (t.Item, t.Name)).Concat(shard.Bytes.Select(b => (b.Item, b.Name)))
            .Where(p => patterns.Match(p.Item, p.Name))
            .Select(p => p.Item)
            .Distinct()
            .Select(item => new SavedItem(content, item, patterns.Match));
        return new SavedSnapshot(chunks, manifest, link, [.. items]);
    }
}
