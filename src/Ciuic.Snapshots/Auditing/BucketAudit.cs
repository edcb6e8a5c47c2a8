using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Audits a bucket offline: needs the bucket and, to prove more than consistency, a public key. No silo, no
/// database, nothing is written.
/// </summary>
public static class BucketAudit
{
    /// <summary>The ledgers in a bucket, by name.</summary>
    public static async Task<List<string>> FindLedgersAsync(IObjectStore store, CancellationToken cancel)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var found in store.ListAsync(BucketLayout.LedgersPrefix, cancel))
            names.Add(found.Key.Path.Split('/')[1]);
        return [.. names];
    }

    /// <summary>Checks one ledger and every snapshot it commits, to the last byte.</summary>
    /// <param name="store">The bucket.</param>
    /// <param name="ledger">The ledger's name.</param>
    /// <param name="trusted">Verifier keys known from elsewhere; empty: take those in the bucket.</param>
    /// <param name="parallelism">Chunks read at once.</param>
    /// <param name="progress">Told after each block, tile and snapshot.</param>
    /// <param name="cancel">Ends the audit.</param>
    /// <exception cref="NotFoundException">There is no such ledger in the bucket.</exception>
    /// <exception cref="CorruptException">The ledger's keys cannot be established.</exception>
    public static async Task<AuditReport> RunAsync(
        IObjectStore store,
        string ledger,
        IReadOnlyList<VerifierKey> trusted,
        int parallelism,
        Action<AuditProgress> progress,
        CancellationToken cancel)
    {
        var bucket = new LedgerBucket(store, ledger);
        var keys = await EstablishKeysAsync(bucket, trusted, cancel);
        var findings = new List<AuditFinding>();
        var history = new LedgerAudit(bucket, keys, findings);
        await history.RunAsync(progress, cancel);
        using var chunks = new ChunkStore(store);
        var bytes = new SnapshotAudit(new ManifestReader(store), chunks, parallelism, findings);
        var runs = await CheckRunsAsync(history.Runs, bytes, progress, cancel);
        return new AuditReport
        {
            Store = store.Location,
            Ledger = ledger,
            Origin = keys.Origin,
            KeysTrusted = trusted.Count > 0,
            Blocks = history.Tip.Size,
            Root = history.Tip.Tree.Root,
            PublishedSize = history.Published?.Size,
            Runs = runs,
            Chunks = bytes.Chunks,
            StoredBytes = bytes.StoredBytes,
            Uncommitted = await CountUncommittedAsync(store, history.Runs, cancel),
            Findings = findings,
        };
    }

    private static async Task<LedgerKeys> EstablishKeysAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> trusted, CancellationToken cancel)
    {
        if (trusted.FirstOrDefault(k => k.Name.EndsWith("/blocks", StringComparison.Ordinal)) is { } block
            && trusted.Any(k => Block.KeyNameFor(k.Name) == block.Name))
        {
            var heads = trusted.Where(k => Block.KeyNameFor(k.Name) == block.Name).ToList();
            return new LedgerKeys(heads[0].Name, heads, trusted.Where(k => k.Name == block.Name).ToList());
        }

        var bytes = await bucket.GetKeysAsync(cancel)
            ?? throw new NotFoundException(
                $"There is no ledger '{bucket.Name}' in {bucket.Store.Location}: no note of its keys was found.");
        return trusted.Count == 0 ? LedgerKeys.OpenUntrusted(bytes) : LedgerKeys.Open(bytes, trusted);
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
