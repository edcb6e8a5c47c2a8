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
            return await AnswerAsync(request, origin, cancel);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<WitnessReply> AnswerAsync(AddCheckpointRequest request, string origin, CancellationToken cancel)
    {
        var seen = await RecallAsync(origin, cancel);
        var verdict = WitnessRules.Decide(request, logs, seen);
        if (verdict.Status == WitnessStatus.Conflict)
            return new WitnessReply((int)verdict.Status, WitnessReply.SizeType, StrictUtf8.Encode($"{seen?.Size ?? 0}\n"));
        if (verdict.Next is null)
            return Text(verdict.Status, verdict.Reason);
        // Dying before this line: nothing was signed. After it: the sender asks again, is told the new size, and gets
        // its cosignature with an empty proof.
        if (verdict.Next != seen)
            await RememberAsync(origin, verdict.Next, request.Checkpoint, cancel);
        var cosignature = key.Cosign(StrictUtf8.Encode(verdict.Text), time.GetUtcNow());
        return Text(verdict.Status, SignedNote.SignatureLine(key.Verifier, cosignature));
    }

    /// <summary>The largest tree remembered. Nothing is ever overwritten: a write that lands late cannot take it back.</summary>
    private async Task<TreeHead?> RecallAsync(string origin, CancellationToken cancel)
    {
        var sizes = await ListAsync(origin, cancel);
        return sizes.Count == 0 ? null : await ReadAsync(MemoryOf(origin, sizes.Max()), cancel);
    }

    private async Task RememberAsync(string origin, TreeHead head, byte[] checkpoint, CancellationToken cancel)
    {
        var memory = MemoryOf(origin, head.Size);
        if (await store.CreateAsync(memory, checkpoint, cancel) == CreateResult.AlreadyExists && await ReadAsync(memory, cancel) != head)
            throw new CorruptException($"the witness's memory {memory} in {store.Location} holds another tree head: somebody else writes there.");
        // Only the largest counts; dying here leaves some that the next head deletes.
        foreach (var older in (await ListAsync(origin, cancel)).Where(size => size < head.Size))
            await store.DeleteAsync(MemoryOf(origin, older), cancel);
    }

    private async Task<TreeHead> ReadAsync(ObjectKey memory, CancellationToken cancel)
    {
        try
        {
            var bytes = await store.GetAsync(memory, cancel) ?? throw new InvalidInputException("it is gone");
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

    private async Task<List<long>> ListAsync(string origin, CancellationToken cancel)
    {
        var (sizes, prefix) = (new List<long>(), PrefixOf(origin));
        await foreach (var found in store.ListAsync(prefix, cancel))
        {
            if (Decimal64.TryParse(found.Key.Path.AsSpan(prefix.Length), out var size))
                sizes.Add(size);
        }

        return sizes;
    }

    private static ObjectKey MemoryOf(string origin, long size) => new($"{PrefixOf(origin)}{size}");

    private static string PrefixOf(string origin) => $"seen/{Digest.Of(StrictUtf8.Encode(origin))}/";

    private static WitnessReply Text(WitnessStatus status, string text) =>
        new((int)status, "text/plain", StrictUtf8.Encode(text.EndsWith('\n') ? text : text + "\n"));
}
