using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Testing;

/// <summary>Fills a bucket by the data plane alone: snapshots and the ledger that commits them.</summary>
public sealed class TestBucket(IObjectStore store, TimeProvider time, Cosigners? cosigners = null)
{
    public const string Ledger = "main";

    private readonly ChunkStore _chunks = new(store);
    private LedgerWriter? _writer;

    public IObjectStore Store => store;

    public LedgerBucket LedgerBucket => new(store, Ledger);

    /// <summary>Saves, commits and publishes a snapshot.</summary>
    public async Task<Manifest> CommitAsync(RunId run, long sequence, SnapshotLink? parent, params TensorSource[] tensors)
    {
        var manifest = await StoreAsync(run, sequence, parent, tensors);
        await AppendAsync(LedgerRecord.ForSnapshot(manifest, ManifestDigest.Of(ManifestCodec.Encode(manifest))));
        return manifest;
    }

    /// <summary>Stores everything of a snapshot without committing it.</summary>
    public async Task<Manifest> StoreAsync(RunId run, long sequence, SnapshotLink? parent, params TensorSource[] tensors)
    {
        using var arena = new StagingBuffers(1 << 30);
        var staged = StagedShard.Stage(arena, [new ItemState("model", tensors, [], [])], 64 << 10);
        var uploaded = await new ShardUploader(_chunks, new CodecOptions(), 2).UploadAsync(staged, _ => { }, CancellationToken.None);
        var shard = ManifestCodec.Encode(Samples.Shard(run, sequence, staged, uploaded));
        var id = new SnapshotId(run, new Sequence(sequence));
        await store.CreateAsync(BucketLayout.Shard(id, new Rank(0)), shard, CancellationToken.None);
        var manifest = Samples.Manifest(run, sequence, parent, ShardDigest.Of(shard));
        await store.CreateAsync(BucketLayout.Manifest(id), ManifestCodec.Encode(manifest), CancellationToken.None);
        return manifest;
    }

    /// <summary>Appends a record and publishes the tree.</summary>
    public async Task AppendAsync(LedgerRecord record)
    {
        _writer ??= await LedgerWriter.LoadAsync(LedgerBucket, TestKeys.Signer, null, time, CancellationToken.None);
        await _writer.TryAppendAsync([record.Encode()], CancellationToken.None);
        await new TreePublisher(LedgerBucket, cosigners ?? TestWitnesses.Nobody).PublishAsync(_writer, CancellationToken.None);
    }

    /// <summary>Audits the bucket with the test keys.</summary>
    public static Task<AuditReport> AuditAsync(IObjectStore store) =>
        AuditAsync(store, TlogPolicy.Alone(TestKeys.TreeHead.Verifier), null);

    /// <summary>Audits the bucket with a policy and what a machine remembers, which it remembers afterwards.</summary>
    public static async Task<AuditReport> AuditAsync(IObjectStore store, TlogPolicy policy, AcceptedHeads? accepted)
    {
        var bucket = new LedgerBucket(store, Ledger);
        var remembered = accepted is null ? null : await accepted.RecallAsync(bucket, policy.Logs, CancellationToken.None);
        var report = await BucketAudit.RunAsync(store, Ledger, policy, remembered?.Head, 2, _ => { }, CancellationToken.None);
        if (accepted is not null && report.Passed)
            await accepted.RememberAsync(bucket, report.TreeHeadKeys, report.TreeHead!, CancellationToken.None);
        return report;
    }

    /// <summary>Another bucket with the same objects.</summary>
    public static async Task<MemoryObjectStore> CopyAsync(IObjectStore store)
    {
        var copy = new MemoryObjectStore();
        await foreach (var found in store.ListAsync("", CancellationToken.None))
            await copy.PutAsync(found.Key, (await store.GetAsync(found.Key, CancellationToken.None))!, CancellationToken.None);
        return copy;
    }
}
