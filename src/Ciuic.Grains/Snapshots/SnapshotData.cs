using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>What a snapshot stores.</summary>
[GenerateSerializer, Alias("ciuic.SnapshotData")]
public sealed record SnapshotData
{
    /// <summary>Where it stands.</summary>
    [Id(0)]
    public SnapshotState State { get; init; }

    /// <summary>What it was begun with; null before.</summary>
    [Id(1)]
    public SnapshotOrder? Order { get; init; }

    /// <summary>Shard manifests that are in, by rank.</summary>
    [Id(2)]
    public Dictionary<int, ShardDigest> Shards { get; init; } = [];

    /// <summary>Its identity, from Uploaded on.</summary>
    [Id(3)]
    public ManifestDigest? Manifest { get; init; }

    /// <summary>Plain bytes of all shards, from Verified on.</summary>
    [Id(4)]
    public long Bytes { get; init; }

    /// <summary>Size of the ledger before the first try to append, from Verified on.</summary>
    [Id(5)]
    public long NotBefore { get; init; }

    /// <summary>Where the ledger commits it.</summary>
    [Id(6)]
    public LedgerPosition? Position { get; init; }

    /// <summary>Why it was aborted.</summary>
    [Id(7)]
    public string? Reason { get; init; }

    /// <summary>When it was committed or aborted.</summary>
    [Id(8)]
    public DateTimeOffset? SettledAt { get; init; }

    /// <summary>Whether nothing can change any more.</summary>
    public bool IsSettled => State is SnapshotState.Committed or SnapshotState.Aborted or SnapshotState.Forgotten;

    /// <summary>Ranks whose shards are missing.</summary>
    public int[] MissingRanks => Order is null
        ? []
        : Enumerable.Range(0, Order.Plan.WorldSize).Where(rank => !Shards.ContainsKey(rank)).ToArray();

    /// <summary>What others see.</summary>
    public SnapshotView View(SnapshotId id) => new()
    {
        Run = id.Run,
        Sequence = id.Sequence,
        State = State,
        Order = Shown(Order!),
        Manifest = Manifest,
        Position = Position,
        Reason = Reason,
        MissingRanks = MissingRanks,
        SettledAt = SettledAt,
        Bytes = Bytes,
    };

    /// <summary>Older versions have stored labels without a text, which nobody who reads a view expects.</summary>
    private static SnapshotOrder Shown(SnapshotOrder order) => order.Plan.Labels.Values.Contains(null!)
        ? order with { Plan = order.Plan with { Labels = order.Plan.Labels.ToDictionary(l => l.Key, l => l.Value ?? "") } }
        : order;
}
