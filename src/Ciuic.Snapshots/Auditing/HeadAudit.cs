using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Checks signed tree heads against the tree that the blocks give, and block times against the times at which witnesses
/// say they saw them.
/// </summary>
internal sealed class HeadAudit(LedgerBucket bucket, TlogPolicy policy, List<AuditFinding> findings)
{
    /// <summary>How far the clocks of silos and witnesses may be apart.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private readonly List<VerifierKey> _witnesses = policy.Witnesses.Select(w => w.Key).ToList();
    private DateTimeOffset _floor = DateTimeOffset.MinValue;

    public SignedTreeHead? Published { get; private set; }

    public async Task ReadPublishedAsync(LedgerKeys keys, CancellationToken cancel)
    {
        try
        {
            if (await bucket.GetCheckpointAsync(cancel) is { } bytes)
                Published = SignedTreeHead.Open(bytes, keys.Origin, keys.TreeHead);
        }
        catch (CorruptException error)
        {
            Report("checkpoint", error.Message);
        }
    }

    public async Task CheckKeptAsync(long size, LedgerTip tip, CancellationToken cancel)
    {
        var name = $"checkpoint.{size}";
        try
        {
            if (await bucket.GetCheckpointAsync(size, cancel) is { } bytes)
                Check(name, SignedTreeHead.Open(bytes, tip.Origin, [tip.Keys.ActiveTreeHead]), tip);
        }
        catch (CorruptException error)
        {
            Report(name, error.Message);
        }
    }

    public void CheckPublished(LedgerTip tip)
    {
        var cosignatures = Check("checkpoint", Published!, tip);
        // Only the newest one needs the quorum: it covers all blocks, and witnesses may have joined later.
        if (!policy.IsMetBy(cosignatures))
            Report("checkpoint", $"it is not cosigned by the quorum '{policy.QuorumName}'");
        if (!tip.Keys.ActiveTreeHead.Equals(Published!.Signer))
            Report("checkpoint", $"it is signed by {Published.Signer}, which was replaced before");
    }

    /// <summary>
    /// A block appended after witnesses had seen a smaller tree cannot be older than their word, but for the skew.
    /// </summary>
    public void CheckTime(Block block)
    {
        var time = TimeOf(block.TimeMs);
        if (_floor - time > Skew)
            Report($"block {block.Height}", $"it says {time:u}, but witnesses saw the tree without it at {_floor:u}");
    }

    private IReadOnlyList<Cosignature> Check(string name, SignedTreeHead head, LedgerTip tip)
    {
        if (head.Head != tip.Head)
        {
            Report(name, $"its root is not the root over the first {tip.Size} blocks");
            return [];
        }

        var cosignatures = CosignaturesOf(name, head);
        if (cosignatures.Count > 0)
            CompareTimes(tip, cosignatures);
        return cosignatures;
    }

    private void CompareTimes(LedgerTip tip, IReadOnlyList<Cosignature> cosignatures)
    {
        var seenAt = cosignatures.Min(c => c.SeenAt);
        if (TimeOf(tip.LastTimeMs) - seenAt > Skew)
            Report($"block {tip.Size - 1}", $"it says {TimeOf(tip.LastTimeMs):u}, but a witness saw it at {seenAt:u} already");
        _floor = seenAt > _floor ? seenAt : _floor;
    }

    private IReadOnlyList<Cosignature> CosignaturesOf(string name, SignedTreeHead head)
    {
        try
        {
            return head.CosignedBy(_witnesses);
        }
        catch (CorruptException error)
        {
            Report(name, error.Message);
            return [];
        }
    }

    private static DateTimeOffset TimeOf(long ms) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(ms, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private void Report(string where, string what) =>
        findings.Add(new AuditFinding($"ledger {bucket.Name}: {where}", what));
}
