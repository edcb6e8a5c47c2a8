using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Checks a ledger from its blocks alone: signatures, places, times, keys, tree, and that everything published says the
/// same. Folds the records into histories. Goes once over the blocks and keeps only what the newest tiles need.
/// </summary>
internal sealed class LedgerAudit(
    LedgerBucket bucket, KeyNotes keys, TlogPolicy policy, SignedTreeHead? remembered, List<AuditFinding> findings)
{
    /// <summary>Objects beyond the end that are named one by one.</summary>
    private const int MaxStrangers = 10;

    private const string Healed = "a silo writes it again when it starts or scrubs";

    private readonly SortedDictionary<string, RunHistory> _runs = new(StringComparer.Ordinal);
    private readonly TileBuilder _tiles = new();
    private readonly HeadAudit _heads = new(bucket, policy, findings);
    private Queue<long> _keptSizes = [];
    private long _tileCount;

    public LedgerTip Tip { get; private set; } = LedgerTip.Start(keys.Newest);

    public SignedTreeHead? Published => _heads.Published;

    public long? PublishedSize => Published?.Head.Size;

    public int KeptHeads { get; private set; }

    public IReadOnlyCollection<RunHistory> Runs => _runs.Values;

    public async Task RunAsync(Action<AuditProgress> progress, CancellationToken cancel)
    {
        await _heads.ReadPublishedAsync(keys.Newest, cancel);
        _keptSizes = new Queue<long>(await bucket.ListPublishedSizesAsync(cancel));
        KeptHeads = _keptSizes.Count;
        if (Published is { } head && !_keptSizes.Contains(head.Head.Size))
            Report($"checkpoint.{head.Head.Size}", "it is missing: the published tree head was not kept");
        CheckBeginning();
        // Looked at before the blocks: what a silo appends meanwhile is no stranger.
        var farthest = await bucket.ListFarthestAsync(MaxStrangers, cancel);
        await ReadBlocksAsync(progress, cancel);
        CheckEnd();
        CheckStrangers(farthest);
    }

    private async Task ReadBlocksAsync(Action<AuditProgress> progress, CancellationToken cancel)
    {
        try
        {
            await CheckHeadsAsync(cancel);
            await foreach (var linked in bucket.FollowAsync(Tip, PublishedSize ?? 0, cancel))
            {
                if (linked.Rescue is { } rescue)
                    Report($"block {linked.Block.Height}", $"{rescue.Complaint}; {rescue.Source} holds the right bytes, and a silo puts them back");
                _heads.CheckTime(linked.Block);
                var rotated = !linked.After.Keys.Equals(Tip.Keys);
                Tip = linked.After;
                CheckNote(linked.Block.Height, rotated);
                _tiles.Append(linked.Bytes, Tip.LastLeaf);
                Fold(linked.Block);
                await CheckTilesAsync(_tiles.TakeFinished(), mayBeMissing: Tip.Size > (PublishedSize ?? 0), progress, cancel);
                await CheckHeadsAsync(cancel);
                progress(new AuditProgress("blocks", Tip.Size, PublishedSize));
            }
        }
        catch (CorruptException error)
        {
            Report($"block {Tip.Size}", error.Message);
        }
    }

    /// <summary>All tree heads of the size reached, and the tiles they imply.</summary>
    private async Task CheckHeadsAsync(CancellationToken cancel)
    {
        if (remembered is not null && remembered.Head.Size == Tip.Size && remembered.Head != Tip.Head)
            Report("history was rewritten", $"{Describe(Tip.Head)} stands where this machine has accepted {Describe(remembered.Head)}");
        var newest = Tip.Size == PublishedSize;
        var kept = _keptSizes.TryPeek(out var size) && size == Tip.Size;
        if (kept)
            await _heads.CheckKeptAsync(_keptSizes.Dequeue(), Tip, cancel);
        if (newest)
            _heads.CheckPublished(Tip);
        // Partial tiles of older sizes may have been collected; those that are there must be right.
        if (kept || newest)
            await CheckTilesAsync(_tiles.PartialFiles(), mayBeMissing: !newest, _ => { }, cancel);
    }

    private async Task CheckTilesAsync(
        List<TileFile> files, bool mayBeMissing, Action<AuditProgress> progress, CancellationToken cancel)
    {
        foreach (var file in files)
        {
            var bytes = await bucket.GetTileAsync(file.Path, cancel);
            if (bytes is null && !mayBeMissing)
                Report(file.Path, "it is missing");
            else if (bytes is not null && !bytes.AsSpan().SequenceEqual(file.Content))
                Report(file.Path, "its bytes are not those that the blocks give");
            progress(new AuditProgress("tiles", ++_tileCount, null));
        }
    }

    /// <summary>What the ledger began with stands in a note, and in its copy where that is there.</summary>
    private void CheckBeginning()
    {
        if (keys.Notes is not { } notes)
            return;
        var beginning = notes.Where(n => n.Height == KeyNote.Beginning).ToList();
        if (beginning.TrueForAll(n => n.Name != BucketLayout.KeysPath))
            Report(BucketLayout.KeysPath, $"it is missing; {Healed}");
        foreach (var note in beginning.Where(n => !n.IsWhole || !LedgerKeys.OpenUntrusted(n.Bytes).Equals(keys.Newest.Initial)))
            Report(note.Name, $"it is not the signed note of the keys that the ledger began with; {Healed}");
    }

    /// <summary>A block that rotates keys has a note beside it, and no other block has.</summary>
    private void CheckNote(long height, bool rotated)
    {
        if (keys.Found is not { } found)
            return;
        if (found.Contains(height) && !(rotated && Tip.Keys.Equals(keys.Find(height))))
            Report($"keys.{height}", "it is not the signed note of the keys after that block");
        if (rotated && !found.Contains(height) && Tip.Size <= (PublishedSize ?? 0))
            Report($"keys.{height}", "it is missing: that block rotates a key");
    }

    private void Fold(Block block)
    {
        try
        {
            foreach (var (line, record) in block.Facts())
            {
                if (!_runs.TryGetValue(record.Run.Value, out var history))
                    _runs[record.Run.Value] = history = new RunHistory(record.Run);
                history.Apply(record, new LedgerPosition(block.Height, line));
            }
        }
        catch (CorruptException error)
        {
            Report($"block {block.Height}", error.Message);
        }
    }

    private void CheckEnd()
    {
        if (PublishedSize > Tip.Size)
            Report("checkpoint", $"it promises {PublishedSize} blocks, {Tip.Size} are there and in place");
        if (Published is null && Tip.Size > 0)
            Report("checkpoint", $"it is missing or unreadable: no tree head vouches for the {Tip.Size} blocks; a silo publishes it when it starts");
        if (remembered?.Head.Size > Tip.Size)
            Report("history was rolled back", $"this machine has accepted {Describe(remembered.Head)}, {Tip.Size} blocks are there and in place");
        foreach (var size in _keptSizes)
            Report($"checkpoint.{size}", $"it promises {size} blocks, {Tip.Size} are there and in place");
        if (Tip.Size >= (PublishedSize ?? 0) && !StartsWith(Tip.Keys, keys.Newest))
            Report("keys", "they name keys that no block of this ledger introduces");
    }

    /// <summary>Blocks and tiles beyond the last block in place: history that somebody hides by a gap, or that is no history.</summary>
    private void CheckStrangers(IEnumerable<(string Path, long Size)> farthest)
    {
        foreach (var (path, _) in farthest.Where(f => f.Size > Tip.Size))
            Report(path, $"it lies beyond the {Tip.Size} blocks that are there and in place");
        foreach (var height in (keys.Found ?? new HashSet<long>()).Where(height => height >= Tip.Size))
            Report($"keys.{height}", $"it lies beyond the {Tip.Size} blocks that are there and in place");
    }

    private static string Describe(TreeHead head) => $"the tree head of size {head.Size}, root {head.Root.ToShortString()}";

    private static bool StartsWith(LedgerKeys longer, LedgerKeys shorter) =>
        longer.TreeHead.Take(shorter.TreeHead.Count).SequenceEqual(shorter.TreeHead)
        && longer.Blocks.Take(shorter.Blocks.Count).SequenceEqual(shorter.Blocks);

    private void Report(string where, string what) =>
        findings.Add(new AuditFinding($"ledger {bucket.Name}: {where}", what));
}
