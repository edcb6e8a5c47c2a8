using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// Refuses to resume from a ledger that was rolled back, forked or replaced since this machine last looked: what it says is
/// not the history that was trained.
/// </summary>
internal sealed class LedgerWatch(LedgerBucket bucket, TlogPolicy policy, AcceptedHeads? accepted)
{
    /// <summary>Compares the published tree head with the remembered one, and remembers it.</summary>
    /// <exception cref="CorruptException">The two disagree; the message names both.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        if (accepted is null)
            return; // a bucket in this process's memory has no past
        if (await KeyNotes.ExistAsync(bucket, cancel))
            await accepted.AcceptAsync(bucket, (await KeyNotes.ReadAsync(bucket, policy.Logs, cancel)).Newest, cancel);
        else if (await accepted.RecallAsync(bucket, cancel) is { } head)
            throw accepted.Gone(bucket, head);
    }

    /// <summary>What the ledger in the bucket says about a run; null where it does not know it.</summary>
    public Task<RunHistory?> ReadAsync(RunId run, CancellationToken cancel) =>
        BucketHistory.ReadAsync(bucket, run, policy.Logs, cancel);
}
