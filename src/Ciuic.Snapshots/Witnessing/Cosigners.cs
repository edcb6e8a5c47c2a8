using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Collects the cosignatures that a policy asks for before a tree head is published.</summary>
public sealed class Cosigners
{
    private readonly TlogPolicy _policy;
    private readonly IReadOnlyList<WitnessTurns> _witnesses;

    /// <summary>Makes the collector of one ledger.</summary>
    /// <param name="policy">Whose cosignatures are enough.</param>
    /// <param name="witnesses">Ways to the policy's witnesses.</param>
    public Cosigners(TlogPolicy policy, IReadOnlyList<IWitness> witnesses)
    {
        _policy = policy;
        _witnesses = witnesses.Select(w => new WitnessTurns(new WitnessSession(w))).ToList();
    }

    /// <summary>How far each witness is.</summary>
    public IReadOnlyList<WitnessLag> Lags => _witnesses.Select(w => w.Lag).ToList();

    /// <summary>Whether the cosignatures under a tree head are enough.</summary>
    public bool Suffice(SignedTreeHead head) => head.IsCosignedAs(_policy);

    /// <summary>Asks all witnesses at once; returns as soon as the quorum has cosigned.</summary>
    /// <returns>The checkpoint with the cosignatures that came in time, each witness once.</returns>
    /// <exception cref="UnavailableException">The quorum was not reached; the message names who is missing, and why.</exception>
    public async Task<byte[]> CosignAsync(SignedTreeHead head, TreeProver prover, CancellationToken cancel)
    {
        if (!_policy.NeedsWitnesses)
            return head.Bytes;
        var lines = new Dictionary<string, string>(StringComparer.Ordinal);
        var waiting = _witnesses.Select(w => LineAsync(w, head, prover, cancel)).ToList();
        while (waiting.Count > 0 && !_policy.IsMetBy(lines.Keys.ToHashSet()))
        {
            var done = await Task.WhenAny(waiting);
            waiting.Remove(done);
            if (await done is ({ } name, { } line))
                lines[name] = line;
        }

        return _policy.IsMetBy(lines.Keys.ToHashSet())
            ? head.WithLines(lines.Values)
            : throw new UnavailableException(
                $"The tree head of size {head.Head.Size} is not published: {lines.Count} witnesses cosigned, which is not the "
                + $"quorum '{_policy.QuorumName}'. {string.Join("; ", Lags.Where(l => l.Problem is not null).Select(l => $"{l.Name}: {l.Problem}"))}");
    }

    private static async Task<(string Name, string? Line)> LineAsync(
        WitnessTurns witness, SignedTreeHead head, TreeProver prover, CancellationToken cancel) =>
        (witness.Name, await witness.CosignAsync(head, prover, cancel));
}
