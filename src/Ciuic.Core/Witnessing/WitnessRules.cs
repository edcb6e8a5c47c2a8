namespace Ciuic.Core;

/// <summary>A witness's answers, with their HTTP status codes (C2SP tlog-witness).</summary>
public enum WitnessStatus
{
    /// <summary>Cosigned.</summary>
    Cosigned = 200,

    /// <summary>The request cannot be read, or its old size is beyond the checkpoint's.</summary>
    Malformed = 400,

    /// <summary>No known key of the ledger signed the checkpoint.</summary>
    NotSigned = 403,

    /// <summary>The witness does not serve this origin.</summary>
    UnknownOrigin = 404,

    /// <summary>The witness has seen another size than the sender believes; the answer holds it.</summary>
    Conflict = 409,

    /// <summary>The new tree does not begin with the one seen before.</summary>
    Inconsistent = 422,
}

/// <summary>What a witness decides.</summary>
/// <param name="Status">Its answer.</param>
/// <param name="Next">The tree head to remember before cosigning; null where it does not cosign.</param>
/// <param name="Text">The text to cosign: the checkpoint's, with any lines after the tree head; empty where it does not.</param>
/// <param name="Reason">Why not, for people.</param>
public sealed record WitnessVerdict(WitnessStatus Status, TreeHead? Next, string Text, string Reason);

/// <summary>What a witness answers, without doing it: pure, and the only place that knows the order of the checks.</summary>
public static class WitnessRules
{
    /// <summary>The origin that a checkpoint claims.</summary>
    /// <exception cref="InvalidInputException">The bytes are no checkpoint.</exception>
    public static string OriginOf(byte[] checkpoint) => TreeHead.ParseExtended(SignedNote.Parse(checkpoint).Text).Origin;

    /// <summary>Decides on a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="logs">Keys of the ledgers that this witness serves.</param>
    /// <param name="seen">The newest tree head cosigned for this origin; null before the first.</param>
    public static WitnessVerdict Decide(AddCheckpointRequest request, IReadOnlyList<VerifierKey> logs, TreeHead? seen)
    {
        try
        {
            var note = SignedNote.Parse(request.Checkpoint);
            var head = TreeHead.ParseExtended(note.Text);
            var known = logs.Where(l => l.Name == head.Origin).ToList();
            if (known.Count == 0)
                return Refuse(WitnessStatus.UnknownOrigin, $"'{head.Origin}' is not served here");
            if (note.VerifiedBy(known).Count == 0)
                return Refuse(WitnessStatus.NotSigned, $"no known key of '{head.Origin}' signed this checkpoint");
            return request.OldSize > head.Size
                ? Refuse(WitnessStatus.Malformed, $"old size {request.OldSize} is beyond the checkpoint's {head.Size}")
                : Compare(request, head, note.Text, seen);
        }
        catch (InvalidInputException error)
        {
            return Refuse(WitnessStatus.Malformed, error.Message);
        }
        catch (CorruptException error)
        {
            return Refuse(WitnessStatus.NotSigned, error.Message);
        }
    }

    private static WitnessVerdict Compare(AddCheckpointRequest request, TreeHead head, string text, TreeHead? seen)
    {
        var (size, root) = seen is null ? (0, MerkleHash.Empty) : (seen.Size, seen.Root);
        if (request.OldSize != size)
            return Refuse(WitnessStatus.Conflict, $"size {size} was seen last");
        return MerkleProofs.VerifyConsistency(size, head.Size, root, head.Root, request.Proof)
            ? new WitnessVerdict(WitnessStatus.Cosigned, head, text, "")
            : Refuse(WitnessStatus.Inconsistent, $"the tree of {head.Size} does not begin with the one of {size} seen before");
    }

    private static WitnessVerdict Refuse(WitnessStatus status, string reason) => new(status, null, "", reason);
}
