using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// A witness: cosigns a ledger's tree heads, each only if it continues the one before. It remembers durably before it
/// signs, so that no crash makes it sign two histories. One process per store.
/// </summary>
/// <param name="store">The witness's own memory, nobody else's.</param>
/// <param name="key">A cosigning key.</param>
/// <param name="logs">Keys of the ledgers it serves.</param>
/// <param name="time">The clock in its cosignatures.</param>
public sealed class WitnessService(IObjectStore store, SigningKey key, IReadOnlyList<VerifierKey> logs, TimeProvider time)
{
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Answers an <c>add-checkpoint</c> request.</summary>
    /// <exception cref="CiuicException">Its memory cannot be read or written: it does not sign.</exception>
    public async Task<WitnessReply> AnswerAsync(byte[] body, CancellationToken cancel)
    {
        AddCheckpointRequest request;
        string origin;
        try
        {
            request = AddCheckpointRequest.Parse(body);
            origin = WitnessRules.OriginOf(request.Checkpoint);
        }
        catch (InvalidInputException error)
        {
            return Text(WitnessStatus.Malformed, error.Message);
        }

        await _one.WaitAsync(cancel); // compare and persist are one step
        try
        {
            return await AnswerAsync(request, MemoryOf(origin), cancel);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<WitnessReply> AnswerAsync(AddCheckpointRequest request, ObjectKey memory, CancellationToken cancel)
    {
        var seen = await RecallAsync(memory, cancel);
        var verdict = WitnessRules.Decide(request, logs, seen);
        if (verdict.Status == WitnessStatus.Conflict)
            return new WitnessReply((int)verdict.Status, WitnessReply.SizeType, StrictUtf8.Encode($"{seen?.Size ?? 0}\n"));
        if (verdict.Next is null)
            return Text(verdict.Status, verdict.Reason);
        // Dying before this line: nothing was signed. After it: the sender asks again, is told the new size, and gets
        // its cosignature with an empty proof.
        if (verdict.Next != seen)
            await store.PutAsync(memory, request.Checkpoint, cancel);
        var cosignature = key.Cosign(StrictUtf8.Encode(verdict.Text), time.GetUtcNow());
        return Text(verdict.Status, SignedNote.SignatureLine(key.Verifier, cosignature));
    }

    private async Task<TreeHead?> RecallAsync(ObjectKey memory, CancellationToken cancel)
    {
        if (await store.GetAsync(memory, cancel) is not { } bytes)
            return null;
        try
        {
            return TreeHead.ParseExtended(SignedNote.Parse(bytes).Text);
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException(
                $"the witness's memory {memory} in {store.Location} is damaged: {error.Message} It signs nothing for this ledger "
                + "until the object is put right.",
                error);
        }
    }

    private static ObjectKey MemoryOf(string origin) => new($"seen/{Digest.Of(StrictUtf8.Encode(origin))}");

    private static WitnessReply Text(WitnessStatus status, string text) =>
        new((int)status, "text/plain", StrictUtf8.Encode(text.EndsWith('\n') ? text : text + "\n"));
}
