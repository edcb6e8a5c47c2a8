using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
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
    /// <param name="run">The run, for the log.</param>
    /// <param name="logger">Told what kept it from being compared.</param>
    /// <param name="mustAnswer">Whether something will be restored, so that a bucket that does not answer is an error.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">The two disagree; the message names both.</exception>
    /// <exception cref="UnavailableException">The bucket must answer and does not.</exception>
    public async Task<TreeHead?> CheckAsync(RunId run, ILogger logger, bool mustAnswer, CancellationToken cancel)
    {
        try
        {
            return accepted is null ? null : await CheckAsync(accepted, run, logger, cancel);
        }
        catch (Exception error) when (error is InvalidInputException || (error is UnavailableException && !mustAnswer))
        {
            // With a damaged memory what is restored is checked by what the ledger says itself.
            logger.NotCompared(run, error.Message);
            return null;
        }
    }

    /// <summary>What the ledger in the bucket says about a run; null where it does not know it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="known">A tree head that its blocks must give.</param>
    /// <param name="cancel">Ends the reading.</param>
    public Task<RunHistory?> ReadAsync(RunId run, TreeHead? known, CancellationToken cancel) =>
        BucketHistory.ReadAsync(bucket, run, policy.Logs, known, cancel);

    /// <summary>
    /// Makes sure that a block signed by the ledger's key commits a snapshot, where a silo says it does. A block that cannot be read says
    /// nothing of the snapshot, so nobody falls back to an older one for it.
    /// </summary>
    /// <exception cref="CorruptException">
    /// It does not: the silo's database says something else than the ledger. Or the block is damaged, and so is every copy of it.
    /// </exception>
    /// <exception cref="UnavailableException">The block cannot be seen from here.</exception>
    public async Task RequireRecordAsync(RunId run, SnapshotLink snapshot, LedgerPosition? position, CancellationToken cancel)
    {
        if (position is not { } at)
            throw new CorruptException($"the silo's database names no block that commits snapshot #{snapshot.Sequence}");
        // The silo has committed it: a copy of the bucket that lags behind, or a mount that shows nothing, is more likely than a loss.
        var block = await FindBlockAsync(at.Height, cancel) ?? throw new UnavailableException(
            $"block {at.Height} of ledger '{bucket.Name}', which commits snapshot #{snapshot.Sequence}, is not in the bucket as this machine "
            + $"sees it ({bucket.Store.Location}), nor in any entry bundle there. Look whether it sees the same one as the silo; 'ciuic audit' tells "
            + "whether the block is lost.");
        var commits = block.Facts().Any(f => f.Line == at.Line
            && f.Record.Kind == RecordKind.Snapshot && f.Record.Run == run
            && f.Record.Sequence == snapshot.Sequence && f.Record.Manifest == snapshot.Manifest);
        if (!commits)
        {
            throw new CorruptException(
                $"{at} of ledger '{bucket.Name}' does not commit snapshot #{snapshot.Sequence} with the digest {snapshot.Manifest}: the silo's "
                + "database says something else than the ledger");
        }
    }

    private async Task<TreeHead?> CheckAsync(AcceptedHeads memory, RunId run, ILogger logger, CancellationToken cancel)
    {
        if (!await KeyNotes.ExistAsync(bucket, cancel))
            return await memory.RecallAsync(bucket, policy.Logs, cancel) is { } gone ? throw memory.Gone(gone) : null;
        var keys = (await KeyNotes.ReadAsync(bucket, policy.Logs, cancel)).Newest;
        if (await memory.CheckAsync(bucket, keys, cancel) is not { } head)
            return null;
        if (head.IsCosignedAs(policy))
            await RememberAsync(memory, keys, head, run, logger, cancel);
        return head.Head;
    }

    private async Task RememberAsync(
        AcceptedHeads memory, LedgerKeys keys, SignedTreeHead head, RunId run, ILogger logger, CancellationToken cancel)
    {
        try
        {
            await memory.RememberAsync(bucket, keys.TreeHead, head, cancel);
        }
        catch (UnavailableException error)
        {
            logger.NotRemembered(run, error.Message);
        }
    }

    /// <summary>
    /// A block, opened with any key that has ever signed blocks; the note of the newest may be missing, the blocks tell of it.
    /// </summary>
    private async Task<Block?> FindBlockAsync(long height, CancellationToken cancel)
    {
        var keys = (await KeyNotes.ReadAsync(bucket, policy.Logs, cancel)).Newest;
        if (await bucket.FindBlockAsync(height, keys, cancel) is { } block)
            return block;
        if (!await bucket.HasCopyAsync(height, cancel))
            return null;
        keys = await LedgerReader.KeysAsync(bucket, keys, cancel);
        return await bucket.FindBlockAsync(height, keys, cancel) ?? throw new CorruptException(
            $"block {height} of ledger '{bucket.Name}' is damaged, and so is every copy of it: {BucketLayout.Block(bucket.Name, height)}");
    }
}
