using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Refuses to resume from a ledger that was rolled back, forked or replaced since this machine last looked: what it says is
/// not the history that was trained. Whatever else goes wrong here stops nobody.
/// </summary>
/// <param name="bucket">The ledger.</param>
/// <param name="policy">Keys known from elsewhere.</param>
/// <param name="accepted">What this machine remembers; null for a bucket in this process's memory, which has no past.</param>
internal sealed class LedgerWatch(LedgerBucket bucket, TlogPolicy policy, AcceptedHeads? accepted)
{
    /// <summary>Compares the published tree head with the remembered one, and remembers it.</summary>
    /// <returns>The newest tree head known; null where there is none.</returns>
    /// <exception cref="CorruptException">The two disagree; the message names both.</exception>
    public async Task<TreeHead?> CheckAsync(RunId run, ILogger logger, CancellationToken cancel)
    {
        if (accepted is null)
            return null;
        if (!await KeyNotes.ExistAsync(bucket, cancel))
            return await accepted.RecallAsync(bucket, cancel) is { } gone ? throw accepted.Gone(bucket, gone) : null;
        var keys = (await KeyNotes.ReadAsync(bucket, policy.Logs, cancel)).Newest;
        if (await accepted.CheckAsync(bucket, keys, cancel) is not { } head)
            return null;
        try
        {
            await accepted.RememberAsync(bucket, head, cancel);
        }
        catch (UnavailableException error)
        {
            logger.NotRemembered(run, error.Message);
        }

        return head.Head;
    }

    /// <summary>What the ledger in the bucket says about a run; null where it does not know it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="known">A tree head that its blocks must give.</param>
    /// <param name="cancel">Ends the reading.</param>
    public Task<RunHistory?> ReadAsync(RunId run, TreeHead? known, CancellationToken cancel) =>
        BucketHistory.ReadAsync(bucket, run, policy.Logs, known, cancel);
}
