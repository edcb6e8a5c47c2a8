namespace Ciuic.Core;

/// <summary>A witness that a policy names.</summary>
/// <param name="Name">Its name in the policy.</param>
/// <param name="Key">Checks its cosignatures.</param>
/// <param name="Url">Where it answers; null where the policy does not say.</param>
public sealed record PolicyWitness(string Name, VerifierKey Key, Uri? Url);

/// <summary>
/// Whose word makes a tree head final: a C2SP tlog-policy. <c>quorum none</c> trusts the ledger's key alone.
/// </summary>
public sealed class TlogPolicy
{
    internal TlogPolicy(
        IReadOnlyList<VerifierKey> logs,
        IReadOnlyList<PolicyWitness> witnesses,
        Func<IReadOnlySet<string>, bool>? quorum,
        string quorumName)
    {
        Logs = logs;
        Witnesses = witnesses;
        _quorum = quorum;
        QuorumName = quorumName;
    }

    private readonly Func<IReadOnlySet<string>, bool>? _quorum;

    /// <summary>Keys of ledgers whose tree heads count.</summary>
    public IReadOnlyList<VerifierKey> Logs { get; }

    /// <summary>All witnesses, whether the quorum needs them or not.</summary>
    public IReadOnlyList<PolicyWitness> Witnesses { get; }

    /// <summary>The quorum's name, or <c>none</c>.</summary>
    public string QuorumName { get; }

    /// <summary>Whether witnesses are needed.</summary>
    public bool NeedsWitnesses => _quorum is not null;

    /// <summary>The policy that trusts these keys alone.</summary>
    public static TlogPolicy Alone(params IReadOnlyList<VerifierKey> logs) => new(logs, [], null, "none");

    /// <summary>The same witnesses and quorum for other ledgers.</summary>
    public TlogPolicy For(IReadOnlyList<VerifierKey> logs) => new(logs, Witnesses, _quorum, QuorumName);

    /// <summary>Reads a policy.</summary>
    /// <exception cref="InvalidInputException">The text is no policy; the message names the line.</exception>
    public static TlogPolicy Parse(string text) => TlogPolicyParser.Parse(text);

    /// <summary>Whether these witnesses, by their names in the policy, are enough.</summary>
    public bool IsMetBy(IReadOnlySet<string> witnesses) => _quorum is null || _quorum(witnesses);

    /// <summary>Whether the witnesses that cosigned are enough. Counts witnesses, not lines.</summary>
    public bool IsMetBy(IEnumerable<Cosignature> cosignatures)
    {
        var keys = cosignatures.Select(c => c.Witness).ToHashSet();
        return IsMetBy(Witnesses.Where(w => keys.Contains(w.Key)).Select(w => w.Name).ToHashSet());
    }

    /// <summary>Reads a checkpoint that satisfies this policy.</summary>
    /// <exception cref="CorruptException">It is not signed by a known ledger, or the quorum has not cosigned.</exception>
    public (SignedTreeHead Head, IReadOnlyList<Cosignature> Cosignatures) OpenHead(byte[] checkpoint)
    {
        var origin = OriginOf(checkpoint);
        var head = SignedTreeHead.Open(checkpoint, origin, Logs.Where(l => l.Name == origin).ToList());
        var cosignatures = head.CosignedBy(Witnesses.Select(w => w.Key).ToList());
        return IsMetBy(cosignatures)
            ? (head, cosignatures)
            : throw new CorruptException(
                $"the tree head of size {head.Head.Size} of '{origin}' is cosigned by {Names(cosignatures)}: "
                + $"that is not the quorum '{QuorumName}'");
    }

    private static string Names(IReadOnlyList<Cosignature> cosignatures) =>
        cosignatures.Count == 0 ? "no known witness" : string.Join(", ", cosignatures.Select(c => c.Witness.Name));

    private static string OriginOf(byte[] checkpoint)
    {
        try
        {
            return TreeHead.ParseText(SignedNote.Parse(checkpoint).Text).Origin;
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"these bytes are no checkpoint: {error.Message}", error);
        }
    }
}
