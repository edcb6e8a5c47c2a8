using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>Opens a committed snapshot for reading parts of it.</summary>
internal sealed class SnapshotReading(IObjectStore store, LedgerWatch ledger, int parallelism)
{
    public async Task<SavedSnapshot> OpenAsync(
        RunId run, SnapshotLink link, LedgerPosition? position, PartPatterns patterns, CancellationToken cancel)
    {
        await ledger.RequireRecordAsync(run, link, position, cancel);
        var (manifest, index) = await SnapshotShards.ReadAsync(new ManifestReader(store), run, link, reader: null, cancel);
        patterns.RequireMatches(manifest.Id, index.Parts);
        var chunks = new ChunkStore(store);
        var content = SnapshotContent.Open(chunks, index, parallelism, cancel);
        return new SavedSnapshot(chunks, manifest, link, SavedItem.Of(content, patterns.Match));
    }
}
