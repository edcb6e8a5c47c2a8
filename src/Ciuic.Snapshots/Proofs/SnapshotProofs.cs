using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>One link of the chain from tensor bytes to the quorum, checked.</summary>
/// <param name="Link">What is tied to what.</param>
/// <param name="Evidence">By what.</param>
public sealed record VerifiedLink(string Link, string Evidence);

/// <summary>
/// Proofs of committed snapshots, from the bucket alone. Whoever holds only a policy's public keys can check what it makes.
/// </summary>
/// <param name="bucket">The ledger.</param>
/// <param name="trust">
/// Keys of the ledger and its witnesses known from elsewhere; without a log's key those beside the ledger are believed.
/// </param>
/// <param name="accepted">Remembers the newest tree head of this machine; null to remember nothing.</param>
public sealed class SnapshotProofs(LedgerBucket bucket, TlogPolicy trust, AcceptedHeads? accepted)
{
    /// <summary>A committed snapshot by a person's reference.</summary>
    /// <exception cref="NotFoundException">There is no such ledger, run or snapshot.</exception>
    /// <exception cref="CorruptException">The ledger is damaged, or not the one this machine has accepted before.</exception>
    public async Task<CommittedSnapshot> FindAsync(RunId run, SnapshotRef reference, CancellationToken cancel)
    {
        var known = await KeyNotes.ExistAsync(bucket, cancel) ? (await CheckAsync(cancel)).Head?.Head : null;
        var history = await BucketHistory.ReadAsync(bucket, run, trust.Logs, known, cancel)
            ?? throw new NotFoundException(
                $"Ledger '{bucket.Name}' in {bucket.Store.Location} knows no run '{run}' with a committed snapshot.");
        return history.Find(reference)
            ?? throw new NotFoundException($"Run {run} has no committed snapshot '{reference}'.");
    }

    /// <summary>The proof of a committed snapshot, checked as a stranger will check it.</summary>
    /// <exception cref="UnavailableException">The snapshot is committed, but not final yet.</exception>
    /// <exception cref="CorruptException">A link does not hold.</exception>
    public Task<TlogProof> ProveAsync(CommittedSnapshot snapshot, CancellationToken cancel) =>
        ProveAsync(snapshot.Link.Manifest, snapshot.Position, cancel);

    /// <summary>
    /// The same of a snapshot whose place in the ledger is known: reads its block and a handful of tiles, however long the ledger is.
    /// Whoever named the place may be wrong, and is found out: the block must commit that very manifest.
    /// </summary>
    /// <param name="manifest">The snapshot's identity.</param>
    /// <param name="position">Where the ledger commits it.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="UnavailableException">The snapshot is committed, but not final yet.</exception>
    /// <exception cref="CorruptException">A link does not hold.</exception>
    public async Task<TlogProof> ProveAsync(ManifestDigest manifest, LedgerPosition position, CancellationToken cancel)
    {
        var (keys, head) = await CheckAsync(cancel);
        return await ProveAsync(manifest, position, keys, head, cancel);
    }

    /// <summary>Ties a snapshot's bytes to the quorum, link by link.</summary>
    /// <param name="run">The run.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="proof">The proof to check it with; null to make one.</param>
    /// <param name="parallelism">Chunks read at once.</param>
    /// <param name="linked">Told each link as soon as it is checked.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="UnavailableException">The snapshot is committed, but not final yet.</exception>
    /// <exception cref="CorruptException">A link does not hold; the message says which.</exception>
    public async Task VerifyAsync(
        RunId run,
        CommittedSnapshot snapshot,
        TlogProof? proof,
        int parallelism,
        Action<VerifiedLink> linked,
        CancellationToken cancel)
    {
        await CheckBytesAsync(run, snapshot, parallelism, linked, cancel);
        var (keys, newest) = await CheckAsync(cancel);
        var checkedProof = proof ?? await ProveAsync(snapshot.Link.Manifest, snapshot.Position, keys, newest, cancel);
        var proven = CheckProof(checkedProof, PolicyFor(keys), snapshot.Link.Manifest, linked);
        if (proof is not null)
            linked(await TieAsync(keys, proven.Head.Head, newest?.Head, cancel));
        if (accepted is not null)
            linked(new VerifiedLink("tree head -> this machine", $"continues the one accepted before ({accepted.PlaceOf(bucket, keys.TreeHead[0])})"));
    }

    /// <summary>Checks a proof with public keys alone.</summary>
    /// <param name="proof">The proof.</param>
    /// <param name="policy">The public keys.</param>
    /// <param name="manifest">The root manifest that it must be the proof of; null to prove whatever is in it.</param>
    /// <param name="linked">Told each link.</param>
    /// <returns>What is proven.</returns>
    /// <exception cref="CorruptException">A link does not hold, or the proof is for another snapshot.</exception>
    public static ProvenBlock CheckProof(
        TlogProof proof, TlogPolicy policy, ManifestDigest? manifest, Action<VerifiedLink> linked)
    {
        var proven = proof.Verify(policy);
        if (manifest is { } digest)
        {
            var line = RequireSnapshot(proven, digest);
            linked(new VerifiedLink("manifest -> record", $"line {line} of block {proven.Block.Height} names its SHA-256"));
        }

        var head = proven.Head.Head;
        linked(new VerifiedLink("record -> block", $"block {proven.Block.Height} of {proven.Block.Origin}, {proven.Block.Records.Count} records"));
        linked(new VerifiedLink("block -> tree head", $"{proof.Path.Count} hashes lead to the root of {head.Size} blocks, {head.Root.ToShortString()}"));
        linked(new VerifiedLink("tree head -> ledger key", $"signed by {proven.Head.Signer.Name} {proven.Head.Signer.Id:x8}"));
        var witnesses = string.Join(", ", proven.Cosignatures.Select(c => $"{c.Witness.Name} at {c.SeenAt:u}"));
        linked(new VerifiedLink("tree head -> quorum", policy.NeedsWitnesses ? $"{policy.QuorumName}: {witnesses}" : "none asked for"));
        return proven;
    }

    private async Task CheckBytesAsync(
        RunId run, CommittedSnapshot snapshot, int parallelism, Action<VerifiedLink> linked, CancellationToken cancel)
    {
        using var chunks = new ChunkStore(bucket.Store);
        var findings = new List<AuditFinding>();
        var audit = new SnapshotAudit(new ManifestReader(bucket.Store), chunks, parallelism, findings);
        await audit.CheckAsync(run, snapshot, cancel);
        if (findings.Count > 0)
            throw new CorruptException($"{findings[0].Where}: {findings[0].What}");
        linked(new VerifiedLink("tensor bytes -> chunks", $"{audit.Chunks} chunks, {audit.StoredBytes} bytes read and hashed"));
        linked(new VerifiedLink("chunks -> manifest", $"{run}#{snapshot.Link.Sequence}, SHA-256 {snapshot.Link.Manifest}"));
        if (snapshot.Signer is { } signer)
            linked(new VerifiedLink("manifest -> trainer", $"every shard is signed by {signer.Name} {signer.Id:x8}"));
    }

    private async Task<TlogProof> ProveAsync(
        ManifestDigest manifest, LedgerPosition position, LedgerKeys keys, SignedTreeHead? head, CancellationToken cancel)
    {
        var proof = await SnapshotProver.ProveAsync(bucket, head, position.Height, cancel);
        RequireSnapshot(proof.Verify(PolicyFor(keys)), manifest);
        await RememberAsync(keys, head!, cancel); // a proof has been made of it
        return proof;
    }

    /// <summary>A proof from elsewhere may be of a fork that the same keys have signed.</summary>
    private async Task<VerifiedLink> TieAsync(LedgerKeys keys, TreeHead proven, TreeHead? newest, CancellationToken cancel)
    {
        if (newest is null || proven.Size > newest.Size || !await AcceptedHeads.ContinuesAsync(bucket, keys, proven, newest, cancel))
        {
            throw new CorruptException(
                $"the proof's tree head of size {proven.Size}, root {proven.Root.ToShortString()}, is not of the ledger in "
                + $"{bucket.Store.Location}, which shows {(newest is null ? "none" : $"size {newest.Size}, root {newest.Root.ToShortString()}")}: "
                + "one of them was forked or rolled back");
        }

        return new VerifiedLink("tree head -> ledger", $"the ledger's newest, of {newest.Size} blocks, begins with it");
    }

    private async Task<(LedgerKeys Keys, SignedTreeHead? Head)> CheckAsync(CancellationToken cancel)
    {
        var keys = await KeysAsync(cancel);
        return accepted is null
            ? (keys, await PublishedHeads.NewestAsync(bucket, keys, cancel))
            : (keys, await accepted.CheckAsync(bucket, keys, cancel));
    }

    /// <summary>The note of the newest key may be missing, and with it everything that key has signed: the blocks tell of it, too.</summary>
    private async Task<LedgerKeys> KeysAsync(CancellationToken cancel)
    {
        var keys = (await KeyNotes.ReadAsync(bucket, trust.Logs, cancel)).Newest;
        var published = await bucket.GetCheckpointAsync(cancel);
        return published is null || PublishedHeads.TryOpen(published, keys) is not null ? keys : await LedgerReader.KeysAsync(bucket, keys, cancel);
    }

    /// <summary>Only what satisfies the policy is remembered.</summary>
    private Task RememberAsync(LedgerKeys keys, SignedTreeHead head, CancellationToken cancel) =>
        accepted is null ? Task.CompletedTask : accepted.RememberAsync(bucket, keys.TreeHead, head, cancel);

    /// <summary>A key that is trusted vouches for those that the ledger's rotations put in its place, and for those it replaced.</summary>
    private TlogPolicy PolicyFor(LedgerKeys keys) => trust.For([.. keys.TreeHead.Union(trust.Logs)]);

    private static int RequireSnapshot(ProvenBlock proven, ManifestDigest manifest)
    {
        foreach (var (line, record) in proven.Block.Facts())
        {
            if (record.Kind == RecordKind.Snapshot && record.Manifest == manifest)
                return line;
        }

        var others = proven.Block.Facts().Where(f => f.Record.Kind == RecordKind.Snapshot)
            .Select(f => $"{f.Record.Run}#{f.Record.Sequence}");
        throw new CorruptException(
            $"this proof is for another snapshot: block {proven.Block.Height} commits {string.Join(", ", others)}, "
            + $"none with the digest {manifest}");
    }
}
