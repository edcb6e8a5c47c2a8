using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Audits a bucket offline: needs the bucket and, to prove more than consistency, a public key. No silo, no
/// database, nothing is written.
/// </summary>
public static class BucketAudit
{
    /// <summary>The ledgers in a bucket, by name: whatever has an object, because any of the others may be lost.</summary>
    public static async Task<List<string>> FindLedgersAsync(IObjectStore store, CancellationToken cancel)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var found in store.ListAsync(BucketLayout.LedgersPrefix, cancel))
        {
            if (found.Key.Path.Split('/') is [_, var name, _, ..])
                names.Add(name);
        }

        return [.. names];
    }

    /// <summary>Checks one ledger and every snapshot it commits, to the last byte.</summary>
    /// <param name="store">The bucket.</param>
    /// <param name="ledger">The ledger's name.</param>
    /// <param name="trust">
    /// The ledger's verifier keys known from elsewhere (none: take those in the bucket), and the witnesses whose
    /// cosignatures every published tree head needs.
    /// </param>
    /// <param name="remembered">The newest tree head this machine has accepted; null to compare with none.</param>
    /// <param name="parallelism">Chunks read at once.</param>
    /// <param name="progress">Told after each block, tile and snapshot.</param>
    /// <param name="cancel">Ends the audit.</param>
    /// <exception cref="NotFoundException">There is no such ledger in the bucket.</exception>
    /// <exception cref="CorruptException">The ledger's keys cannot be established.</exception>
    public static async Task<AuditReport> RunAsync(
        IObjectStore store,
        string ledger,
        TlogPolicy trust,
        SignedTreeHead? remembered,
        int parallelism,
        Action<AuditProgress> progress,
        CancellationToken cancel)
    {
        var bucket = new LedgerBucket(store, ledger);
        var findings = new List<AuditFinding>();
        var history = await AuditLedgerAsync(bucket, trust, remembered, findings, progress, cancel);
        using var chunks = new ChunkStore(store);
        var bytes = new SnapshotAudit(new ManifestReader(store), chunks, parallelism, findings);
        var runs = await CheckRunsAsync(history.Runs, bytes, progress, cancel);
        return new AuditReport
        {
            Store = store.Location,
            Ledger = ledger,
            Origin = history.Tip.Origin,
            KeysTrusted = trust.Logs.Count > 0,
            Quorum = trust.QuorumName,
            Blocks = history.Tip.Size,
            Root = history.Tip.Tree.Root,
            TreeHead = history.Published,
            TreeHeadKeys = history.Tip.Keys.TreeHead,
            KeptHeads = history.KeptHeads,
            BlockKeys = history.Tip.Keys.Blocks.Count,
            Runs = runs,
            Chunks = bytes.Chunks,
            StoredBytes = bytes.StoredBytes,
            Uncommitted = await CountUncommittedAsync(store, history.Runs, cancel),
            Findings = findings,
            Repaired = bytes.Repaired,
        };
    }

    /// <summary>Checks one ledger's blocks and everything derived from them, but no snapshot.</summary>
    /// <returns>The tip that the blocks give.</returns>
    /// <exception cref="NotFoundException">There is no such ledger in the bucket.</exception>
    /// <exception cref="CorruptException">The ledger's keys cannot be established.</exception>
    public static async Task<LedgerTip> CheckLedgerAsync(
        LedgerBucket bucket,
        TlogPolicy trust,
        List<AuditFinding> findings,
        Action<AuditProgress> progress,
        CancellationToken cancel) =>
        (await AuditLedgerAsync(bucket, trust, null, findings, progress, cancel)).Tip;

    private static async Task<LedgerAudit> AuditLedgerAsync(
        LedgerBucket bucket,
        TlogPolicy trust,
        SignedTreeHead? remembered,
        List<AuditFinding> findings,
        Action<AuditProgress> progress,
        CancellationToken cancel)
    {
        var keys = await EstablishKeysAsync(bucket, trust.Logs, cancel);
        var audit = new LedgerAudit(bucket, keys, trust, remembered, findings);
        await audit.RunAsync(progress, cancel);
        return audit;
    }

    /// <summary>Keys of both roles given by a person need no note; a tree head key alone leads to the notes.</summary>
    private static async Task<KeyNotes> EstablishKeysAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> trusted, CancellationToken cancel)
    {
        var head = trusted.FirstOrDefault(k => trusted.Any(other => other.Name == Block.KeyNameFor(k.Name)));
        if (head is null)
            return await KeyNotes.ReadAsync(bucket, trusted, cancel);
        return KeyNotes.Of(new LedgerKeys(
            head.Name,
            trusted.Where(k => k.Name == head.Name).ToList(),
            trusted.Where(k => k.Name == Block.KeyNameFor(head.Name)).ToList()));
    }

    private static async Task<List<AuditedRun>> CheckRunsAsync(
        IReadOnlyCollection<RunHistory> histories,
        SnapshotAudit bytes,
        Action<AuditProgress> progress,
        CancellationToken cancel)
    {
        var total = histories.Sum(h => (long)h.Snapshots.Count);
        var done = 0L;
        var runs = new List<AuditedRun>();
        foreach (var history in histories)
        {
            var intact = 0;
            foreach (var snapshot in history.Snapshots)
            {
                intact += await bytes.CheckAsync(history.Run, snapshot, cancel) ? 1 : 0;
                progress(new AuditProgress("snapshots", ++done, total));
            }

            var step = history.Head is null ? null : history.Find(history.Head.Sequence)?.Step;
            runs.Add(new AuditedRun(
                history.Run, history.Snapshots.Count, history.Rollbacks, history.Head, step, intact));
        }

        return runs;
    }

    private static async Task<int> CountUncommittedAsync(
        IObjectStore store, IReadOnlyCollection<RunHistory> histories, CancellationToken cancel)
    {
        var committed = histories
            .SelectMany(h => h.Snapshots.Select(s => $"{h.Run}/{s.Link.Sequence}"))
            .ToHashSet(StringComparer.Ordinal);
        var others = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var found in store.ListAsync(BucketLayout.RunsPrefix, cancel))
        {
            var parts = found.Key.Path.Split('/');
            if (parts.Length == 4 && !committed.Contains($"{parts[1]}/{parts[2]}"))
                others.Add($"{parts[1]}/{parts[2]}");
        }

        return others.Count;
    }
}
