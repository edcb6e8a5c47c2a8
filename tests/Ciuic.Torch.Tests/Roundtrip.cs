using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Torch.Tests;

/// <summary>Saves tracked state into a bucket in memory and loads it back, as a run does.</summary>
internal static class Roundtrip
{
    public static async Task<Dictionary<string, SavedItem>> SaveAsync(params ITrackedState[] states)
    {
        var store = new MemoryObjectStore();
        var chunks = new ChunkStore(store);
        using var arena = new StagingBuffers(1L << 32);
        var staged = StagedShard.Stage(arena, states.Select(s => s.Capture()).ToList(), 64 << 10);
        var uploaded = await new ShardUploader(chunks, new CodecOptions(), 2).UploadAsync(staged, _ => { }, CancellationToken.None);
        var bytes = ManifestCodec.Encode(Samples.Shard(Samples.Run, 1, staged, uploaded));
        var loaded = await Loads.SnapshotAsync(
            chunks, ManifestCodec.DecodeShard(bytes), (_, _) => true, new StagingBuffers(1L << 32), 2, CancellationToken.None);
        return SavedItem.Of(loaded, (_, _) => true).ToDictionary(item => item.Item);
    }

    public static void Restore(Dictionary<string, SavedItem> saved, params ITrackedState[] states)
    {
        foreach (var state in states)
        {
            Assert.Empty(state.Compare(saved[state.Item]));
            state.Restore(saved[state.Item]);
        }
    }
}
