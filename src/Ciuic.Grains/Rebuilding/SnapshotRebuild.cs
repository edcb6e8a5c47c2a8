using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Grains;

/// <summary>A committed snapshot's state from its manifests; from the ledger record alone where those are damaged.</summary>
internal static class SnapshotRebuild
{
    private static readonly TrainerIdentity Unknown = new() { Host = "unknown", ProcessId = 0, Space = "", Agent = "" };

    public static async Task<(SnapshotData Data, string? Damage)> ReadAsync(
        ManifestReader manifests, SnapshotId id, RebuiltSnapshot snapshot)
    {
        var data = FromRecord(snapshot);
        try
        {
            var manifest = await manifests.ReadAsync(id, snapshot.Manifest, CancellationToken.None);
            data = data with
            {
                Order = SnapshotManifests.OrderOf(manifest),
                Shards = manifest.Shards.Index().ToDictionary(s => s.Index, s => s.Item),
            };
            var shards = await manifests.ReadShardsAsync(manifest, CancellationToken.None);
            return (data with { Bytes = shards.Sum(s => s.Length) }, null);
        }
        catch (CorruptException error)
        {
            return (data, error.Message);
        }
    }

    private static SnapshotData FromRecord(RebuiltSnapshot snapshot) => new()
    {
        State = SnapshotState.Committed,
        Order = new SnapshotOrder
        {
            Plan = new SnapshotPlan
            {
                Step = snapshot.Step,
                Epoch = 0,
                NextSample = 0,
                Metrics = [],
                Labels = [],
                WorldSize = 1,
                Trainer = Unknown,
            },
            Token = snapshot.Token,
            Parent = snapshot.Parent,
            CreatedAt = snapshot.CommittedAt,
        },
        Manifest = snapshot.Manifest,
        NotBefore = snapshot.Position.Height,
        Position = snapshot.Position,
        SettledAt = snapshot.CommittedAt,
    };
}
