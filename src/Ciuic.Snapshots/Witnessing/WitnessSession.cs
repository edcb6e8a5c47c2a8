using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>How far a witness is.</summary>
/// <param name="Name">The witness.</param>
/// <param name="Size">The largest tree it has cosigned for us; 0 before the first.</param>
/// <param name="Problem">Why it did not cosign the last one asked for; null where it did.</param>
/// <param name="Excluded">It broke the protocol and is not asked again before a restart.</param>
public sealed record WitnessLag(string Name, long Size, string? Problem, bool Excluded);

/// <summary>The talk with one witness: remembers which size it has seen, so that the proof fits at the first try.</summary>
internal sealed class WitnessSession(IWitness witness)
{
    /// <summary>First try, the size it names, and one more for a concurrent writer.</summary>
    private const int MaxTries = 3;

    private long _seen;

    public PolicyWitness Identity => witness.Identity;

    public WitnessLag Lag { get; private set; } = new(witness.Identity.Name, 0, null, false);

    /// <summary>Asks for a cosignature.</summary>
    /// <returns>The signature line; null where the witness did not cosign, and <see cref="Lag"/> says why.</returns>
    public async Task<string?> CosignAsync(SignedTreeHead head, TreeProver prover, CancellationToken cancel)
    {
        if (Lag.Excluded)
            return null;
        try
        {
            var line = await AskAsync(head, prover, cancel);
            Lag = Lag with { Size = head.Head.Size, Problem = null };
            return line;
        }
        catch (CiuicException error)
        {
            Lag = Lag with { Problem = error.Message, Excluded = error is ConflictException };
            return null;
        }
        catch (OperationCanceledException)
        {
            Lag = Lag with { Problem = "it was not waited for" };
            return null;
        }
    }

    private async Task<string> AskAsync(SignedTreeHead head, TreeProver prover, CancellationToken cancel)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            if (_seen > head.Head.Size)
                throw new UnavailableException($"it has seen a tree of {_seen} blocks, this one has {head.Head.Size}");
            var proof = await prover.ConsistencyAsync(_seen, head.Head.Size, cancel);
            var request = new AddCheckpointRequest(_seen, proof, head.Bytes);
            var reply = await witness.AddCheckpointAsync(request.Encode(), cancel);
            if (reply.Status == (int)WitnessStatus.Conflict)
            {
                _seen = SizeOf(reply);
                continue;
            }

            if (reply.Status != (int)WitnessStatus.Cosigned)
                throw new UnavailableException($"it answered {reply.Status}: {Shorten(reply.Body)}");
            var line = LineOf(reply, head);
            _seen = head.Head.Size;
            return line;
        }

        throw new UnavailableException($"it named another size {MaxTries} times in a row");
    }

    /// <summary>A conflict without a size would be asked again for ever: this witness does not keep to the protocol.</summary>
    private static long SizeOf(WitnessReply reply)
    {
        var text = reply.Body.Length is > 1 and <= 20 ? System.Text.Encoding.ASCII.GetString(reply.Body) : "";
        return string.Equals(reply.ContentType, WitnessReply.SizeType, StringComparison.OrdinalIgnoreCase) && text.EndsWith('\n') && Decimal64.TryParse(text.AsSpan()[..^1], out var size)
            ? size
            : throw new ConflictException("it answered 409 without a size: it does not keep to the protocol");
    }

    private string LineOf(WitnessReply reply, SignedTreeHead head)
    {
        try
        {
            var key = Identity.Key;
            var signature = SignedNote.ParseSignatures(reply.Body).FirstOrDefault(s => s.KeyId == key.Id && s.Name == key.Name)
                ?? throw new UnavailableException($"its answer holds no cosignature by {key.Name} {key.Id:x8}");
            return key.Verify(StrictUtf8.Encode(head.Head.ToText()), signature.Signature)
                ? SignedNote.SignatureLine(key, signature.Signature)
                : throw new UnavailableException($"its cosignature by {key.Name} {key.Id:x8} is wrong");
        }
        catch (InvalidInputException error)
        {
            throw new UnavailableException($"its answer cannot be read: {error.Message}", error);
        }
    }

    private static string Shorten(byte[] body) =>
        System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 200))).Trim();
}
