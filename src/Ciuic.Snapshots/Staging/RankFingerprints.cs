using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// What a rank tells the others of the values that it holds, so that they are compared before anything is committed. Tensors that others
/// store are read where they live, before the trainer goes on: with the copy of its own share that is one pass over the state. Its own are
/// read from the staging memory afterwards, which is what is stored.
/// </summary>
public sealed class RankFingerprints
{
    /// <summary>What is to be read; null once all of it was, so that nobody's tensors live longer for it.</summary>
    private IReadOnlyList<HeldTensor>? _held;

    private RankFingerprints(RankShare share)
    {
        (_held, Replicated, Own) = (share.Held, share.Replicated!.Value, share.Own.Count == 0 ? null : share.Own);
        Bytes = new byte[_held.Count * ReplicaRules.FingerprintBytes];
    }

    /// <summary>The digest that all ranks must have in common.</summary>
    public Digest Replicated { get; }

    /// <summary>Items whose whole tensors are each rank's own; null where there are none.</summary>
    public IReadOnlyList<string>? Own { get; }

    /// <summary>The fingerprints as the shard manifest has them.</summary>
    public byte[] Bytes { get; }

    /// <summary>Reads what will not be staged; null where there are no other ranks.</summary>
    /// <param name="share">What this rank stores and holds.</param>
    /// <param name="willStage">Whether what it stores will lie in the staging memory as a whole; otherwise all is read now.</param>
    public static RankFingerprints? Begin(RankShare share, bool willStage)
    {
        if (share.Replicated is null)
            return null;
        var fingerprints = new RankFingerprints(share);
        fingerprints.Add(t => !(t.IsStored && willStage), t => (at, bytes) => t.Tensor.CopyTo(at, bytes.Span));
        if (!willStage)
            fingerprints._held = null;
        return fingerprints;
    }

    /// <summary>Reads what was staged.</summary>
    /// <param name="shard">All that this rank stores.</param>
    public void Complete(StagedShard shard)
    {
        var places = shard.Plan.Tensors.ToDictionary(t => (t.Item, t.Name), t => t.Offset);
        Add(t => t.IsStored, t =>
        {
            var start = places[(t.Item, t.Tensor.Name)];
            return (at, bytes) => shard.Arena.Slice(start + at, bytes.Length).CopyTo(bytes);
        });
        _held = null;
    }

    private void Add(Func<HeldTensor, bool> isMeant, Func<HeldTensor, Action<long, Memory<byte>>> reading)
    {
        var held = _held ?? [];
        var meant = Enumerable.Range(0, held.Count).Where(i => held[i].IsCompared && isMeant(held[i])).ToList();
        TensorFingerprint.Write(
            [.. meant.Select(i => (held[i].Tensor.Length, reading(held[i])))],
            (at, fingerprint) => fingerprint.CopyTo(Bytes.AsSpan(meant[at] * ReplicaRules.FingerprintBytes)));
    }
}
