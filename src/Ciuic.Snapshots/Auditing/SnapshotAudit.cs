using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Reads committed snapshots byte for byte. A chunk that several share is read once.</summary>
internal sealed class SnapshotAudit(
    ManifestReader manifests, ChunkStore chunks, int parallelism, List<AuditFinding> findings)
{
    /// <summary>By all that says how it is stored, because a chunk may be stored in several ways: the complaint, or null when intact.</summary>
    private readonly Dictionary<ChunkRecord, string?> _checked = [];
    private readonly List<AuditFinding> _repaired = [];
    private readonly Lock _lock = new();

    public long Chunks => _checked.Count;

    public long StoredBytes { get; private set; }

    /// <summary>What is as it should not be, and was accepted in the ledger.</summary>
    public IReadOnlyList<AuditFinding> Repaired => _repaired;

    /// <returns>Whether every byte is there and right.</returns>
    public async Task<bool> CheckAsync(RunId run, CommittedSnapshot snapshot, CancellationToken cancel)
    {
        var id = new SnapshotId(run, snapshot.Link.Sequence);
        var before = findings.Count;
        try
        {
            var manifest = await manifests.ReadAsync(id, snapshot.Link.Manifest, cancel);
            CompareWithRecord(id, manifest, snapshot);
            await manifests.CheckSignaturesAsync(manifest, cancel);
            var shards = await manifests.ReadShardsAsync(manifest, cancel);
            if (ShardSetRules.FindComplaint(shards) is { } misfit)
                findings.Add(new AuditFinding($"snapshot {id}", misfit));
            foreach (var shard in shards)
                await CheckShardAsync(shard, cancel);
        }
        catch (CorruptException error)
        {
            findings.Add(new AuditFinding($"snapshot {id}", error.Message));
        }

        return findings.Count == before;
    }

    private void CompareWithRecord(SnapshotId id, Manifest manifest, CommittedSnapshot snapshot)
    {
        if (manifest.Step != snapshot.Step || manifest.Token != snapshot.Token)
            findings.Add(new AuditFinding($"snapshot {id}", "its manifest and its ledger record tell different stories"));
        if (!Equals(manifest.Signer, snapshot.Signer))
            findings.Add(new AuditFinding($"snapshot {id}", "its manifest and its ledger record name different signers"));
        if (manifest.Parent == snapshot.Parent)
            return;
        const string what = "its parent is not the chain head it was committed on";
        if (snapshot.FindRepair(FindingKind.Parent) is { } repair)
            _repaired.Add(new AuditFinding($"snapshot {id}", $"{what}; accepted by {repair.Actor}: {repair.Reason}"));
        else
            findings.Add(new AuditFinding($"snapshot {id}", $"{what}; 'ciuic repair {id.Run}@{id.Sequence}' records that this is known, and why"));
    }

    private async Task CheckShardAsync(ShardManifest shard, CancellationToken cancel)
    {
        var fresh = shard.Chunks.Distinct().Where(c => !_checked.ContainsKey(c)).ToDictionary(c => c.Id);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        await Parallel.ForEachAsync(new ChunkGraph(shard).FamiliesOf(fresh.Keys), options, async (family, stop) =>
        {
            var outcomes = await chunks.CheckAsync(family, stop);
            lock (_lock)
            {
                foreach (var (id, outcome) in outcomes)
                {
                    _checked[fresh[id]] = outcome.Damage?.Message;
                    StoredBytes += outcome.StoredBytes;
                }
            }
        });
        var offset = 0L;
        foreach (var chunk in shard.Chunks)
        {
            if (_checked[chunk] is { } complaint)
            {
                var damage = Damage.Describe(shard, offset, chunk.Length, new CorruptException(complaint));
                findings.Add(new AuditFinding($"snapshot {shard.Run}#{shard.Sequence}", damage.Message));
            }

            offset += chunk.Length;
        }
    }
}
