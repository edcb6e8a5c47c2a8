using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Checks a ledger from its blocks alone: signatures, places, times, tree, and that the published view says the
/// same. Folds the records into histories.
/// </summary>
internal sealed class LedgerAudit(LedgerBucket bucket, LedgerKeys keys, List<AuditFinding> findings)
{
    private readonly SortedDictionary<string, RunHistory> _runs = new(StringComparer.Ordinal);
    private readonly TileBuilder _tiles = new();
    private readonly Dictionary<long, Digest> _rootsAt = [];

    public LedgerTip Tip { get; private set; } = LedgerTip.Start(keys.Origin);

    public TreeHead? Published { get; private set; }

    public IReadOnlyCollection<RunHistory> Runs => _runs.Values;

    public async Task RunAsync(Action<AuditProgress> progress, CancellationToken cancel)
    {
        await ReadCheckpointAsync(cancel);
        await ReadBlocksAsync(progress, cancel);
        CompareCheckpoint();
        if (Published is not null && Published.Size <= Tip.Size)
            await CompareTilesAsync(Published.Size, progress, cancel);
    }

    private async Task ReadCheckpointAsync(CancellationToken cancel)
    {
        try
        {
            if (await bucket.GetCheckpointAsync(cancel) is { } bytes)
                Published = TreeHead.Open(bytes, keys.Origin, keys.TreeHead);
        }
        catch (CorruptException error)
        {
            Report("checkpoint", error.Message);
        }
    }

    private async Task ReadBlocksAsync(Action<AuditProgress> progress, CancellationToken cancel)
    {
        try
        {
            await foreach (var linked in bucket.FollowAsync(Tip, keys.Blocks, cancel))
            {
                Tip = linked.After;
                _tiles.Append(linked.Bytes, Tip.LastLeaf);
                if (Tip.Size == Published?.Size)
                    _rootsAt[Tip.Size] = Tip.Tree.Root;
                Fold(linked.Block);
                progress(new AuditProgress("blocks", Tip.Size, Published?.Size));
            }
        }
        catch (CorruptException error)
        {
            Report($"block {Tip.Size}", error.Message);
        }
    }

    private void Fold(Block block)
    {
        try
        {
            var line = 0;
            foreach (var record in block.Facts())
            {
                if (!_runs.TryGetValue(record.Run.Value, out var history))
                    _runs[record.Run.Value] = history = new RunHistory(record.Run);
                history.Apply(record, new LedgerPosition(block.Height, line++));
            }
        }
        catch (CorruptException error)
        {
            Report($"block {block.Height}", error.Message);
        }
    }

    private void CompareCheckpoint()
    {
        if (Published is null || Published.Size == 0)
            return;
        if (Published.Size > Tip.Size)
            Report("checkpoint", $"it promises {Published.Size} blocks, {Tip.Size} are there and in place");
        else if (_rootsAt[Published.Size] != Published.Root)
            Report("checkpoint", $"its root is not the root over the first {Published.Size} blocks");
    }

    /// <summary>The tiles of the published size must be those that the blocks give.</summary>
    private async Task CompareTilesAsync(long size, Action<AuditProgress> progress, CancellationToken cancel)
    {
        var derived = Tip.Size == size ? _tiles : await RebuildAsync(size, cancel);
        var files = derived.UnpublishedFiles();
        for (var i = 0; i < files.Count; i++)
        {
            var bytes = await bucket.GetTileAsync(files[i].Path, cancel);
            if (bytes is null)
                Report(files[i].Path, "it is missing");
            else if (!bytes.AsSpan().SequenceEqual(files[i].Content))
                Report(files[i].Path, "its bytes are not those that the blocks give");
            progress(new AuditProgress("tiles", i + 1, files.Count));
        }
    }

    private async Task<TileBuilder> RebuildAsync(long size, CancellationToken cancel)
    {
        var tiles = new TileBuilder();
        while (tiles.Size < size && await bucket.GetBlockAsync(tiles.Size, cancel) is { } bytes)
            tiles.Append(bytes, MerkleHash.Leaf(bytes));
        return tiles;
    }

    private void Report(string where, string what) =>
        findings.Add(new AuditFinding($"ledger {bucket.Name}: {where}", what));
}
