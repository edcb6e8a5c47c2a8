using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// The requests to one witness, one at a time. What a slow witness was asked before comes to its end first, and its size
/// is known then; after that only the newest tree head is asked for: others have nothing to tell any more.
/// </summary>
internal sealed class WitnessTurns(WitnessSession session)
{
    private SignedTreeHead? _newest;
    private Task _last = Task.CompletedTask;

    public string Name => session.Identity.Name;

    public WitnessLag Lag => session.Lag;

    /// <summary>Asks for a cosignature when it is this tree head's turn.</summary>
    /// <returns>The signature line; null where the witness did not cosign, or a newer tree head is waiting.</returns>
    public Task<string?> CosignAsync(SignedTreeHead head, TreeProver prover, CancellationToken cancel)
    {
        _newest = head; // before anything of the request runs: it may end without ever giving up the thread
        var turn = TakeAsync(_last, head, prover, cancel);
        _last = turn;
        return turn;
    }

    private async Task<string?> TakeAsync(Task before, SignedTreeHead head, TreeProver prover, CancellationToken cancel)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return ReferenceEquals(_newest, head) ? await session.CosignAsync(head, prover, cancel) : null;
    }
}
