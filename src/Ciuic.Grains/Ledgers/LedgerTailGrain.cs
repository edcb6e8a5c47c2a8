using System.Text;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Orleans.Concurrency;

namespace Ciuic.Grains;

/// <summary>
/// Keeps 16 bytes for each record it has passed. Calls interleave: those that ask while blocks are being read wait for the reading
/// after that, together. Blocks that it only indexes are not checked, the ledger's writer does that; a record that anybody acts on is, and
/// so is every copy of a block, in a bundle: nobody but who reads it looks at those.
/// </summary>
[StatelessWorker(1), Reentrant]
internal sealed class LedgerTailGrain(IObjectStore store, LedgerSigner signer, TimeProvider time) : Grain, ILedgerTailGrain
{
    /// <summary>Blocks read at once.</summary>
    private const int Parallelism = 16;

    /// <summary>Less than what clients allow a call that asks: the reading goes on beside it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly SortedDictionary<long, List<(RunId Run, int Line)>> _read = [];
    private Dictionary<RunId, List<LedgerPosition>> _places = [];
    private long _wanted = long.MaxValue;
    private long _from;
    private long _end = -1;
    private Task _reading = Task.CompletedTask;
    private Task? _next;
    private VerifierKey[]? _keys;

    private LedgerBucket Bucket => new(store, this.GetPrimaryKeyString());

    public async Task<RunPlaces> FindAsync(RunId run, long from)
    {
        _wanted = Math.Min(_wanted, from);
        try
        {
            // Not the reading that is under way: it may have passed the end before what is asked for was appended.
            await (_next ??= ReadNextAsync(_reading)).WaitAsync(Patience, time);
        }
        catch (TimeoutException)
        {
            throw new UnavailableException(
                $"Ledger {Bucket.Name} is being read ({_end} blocks so far), to see that run {run} is no older than it; ask again.");
        }

        return new RunPlaces([.. _places.GetValueOrDefault(run, []).Where(p => p.Height >= from)], _end);
    }

    public async Task<PlacedRecord[]> ReadAsync(LedgerPosition[] places)
    {
        var records = new List<PlacedRecord>();
        var keys = await ReadKeysAsync();
        foreach (var some in places.GroupBy(p => p.Height).Chunk(Parallelism))
        {
            var blocks = await Task.WhenAll(some.Select(g => OpenAsync(g.Key, keys)));
            records.AddRange(some.Zip(blocks).SelectMany(b => b.First.Select(
                p => new PlacedRecord(p, b.Second.Records[p.Line], DateTimeOffset.FromUnixTimeMilliseconds(b.Second.TimeMs)))));
        }

        return [.. records.OrderBy(r => r.Place)];
    }

    private async Task ReadNextAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await Task.Yield(); // so that the field below is set
        (_reading, _next, _keys) = (_next!, null, null); // keys may be new
        try
        {
            await ReadAsync();
        }
        catch (Exception error) when (error is not UnavailableException)
        {
            // A damaged block is for the ledger's own check to name; nobody who opens a run can do anything about it.
            throw new UnavailableException($"Ledger {Bucket.Name} cannot be read from block {_end} on: {error.Message}", error);
        }
    }

    private async Task ReadAsync()
    {
        // Where nothing was found yet, there is nothing that older blocks could be put before: the end may lie before it.
        if (_end < 0 || (_end == _from && _wanted < _from))
            _from = _end = _wanted;
        if (_wanted < _from)
        {
            // Older blocks than anybody has asked for yet; kept only when all of them are read.
            var (from, to) = (_wanted, _from);
            RequireSeen(await ReadAsync(from, to), to);
            _from = from;
            TakeIn();
        }

        await ReadOnAsync();
        if (PublishedSize(await Bucket.GetCheckpointAsync(CancellationToken.None)) is not { } size || size <= _end)
            return;
        await ReadOnAsync(); // others append meanwhile
        RequireSeen(_end, size);
    }

    private async Task ReadOnAsync()
    {
        _end = await ReadAsync(_end, long.MaxValue);
        TakeIn();
    }

    private void RequireSeen(long end, long size)
    {
        if (end < size)
            throw new UnavailableException($"Block {end} of ledger {Bucket.Name} cannot be seen, although there are {size}.");
    }

    /// <returns>The height after the last block that was there.</returns>
    private async Task<long> ReadAsync(long from, long to)
    {
        _read.Clear();
        var width = 1;
        for (var height = from; height < to;)
        {
            var some = await NextAsync(height, (int)Math.Min(width, to - height));
            some = some[..(int)Math.Min(some.Length, to - height)];
            for (var index = 0; index < some.Length; index++, height++)
            {
                if (await ParseAsync(height, some[index]) is not { } block)
                    return height;
                _read[height] = [.. block.Facts().Select(f => (f.Record.Run, f.Line))];
            }

            width = Math.Min(width * 2, Parallelism);
        }

        return to;
    }

    /// <summary>A block; one that is missing or damaged is taken from the bundle that holds it. Null at the end of the ledger.</summary>
    private async Task<Block?> ParseAsync(long height, byte[]? bytes)
    {
        CorruptException? complaint = null;
        try
        {
            if (bytes is not null)
                return Block.ParseUnsigned(bytes);
        }
        catch (CorruptException error)
        {
            complaint = error;
        }

        if (!await Bucket.HasCopyAsync(height, CancellationToken.None))
            return complaint is not null ? throw complaint : null;
        var keys = _keys ??= await ReadKeysAsync();
        var copy = await Bucket.FindBlockAsync(height, b => Block.Open(b, keys), CancellationToken.None);
        return copy is null && complaint is not null ? throw complaint : copy;
    }

    /// <summary>The next blocks: a bundle of 256 where there is one, else so many by themselves.</summary>
    private async Task<byte[]?[]> NextAsync(long height, int count)
    {
        if (height % Tile.FullWidth == 0 && count > 1 && await TryBundleAsync(height) is { } entries)
            return entries;
        return await Task.WhenAll(Enumerable.Range(0, count).Select(i => Bucket.GetBlockAsync(height + i, CancellationToken.None)));
    }

    private async Task<byte[][]?> TryBundleAsync(long height)
    {
        var path = new Tile(0, height / Tile.FullWidth, Tile.FullWidth).EntriesPath;
        try
        {
            var entries = await Bucket.GetTileAsync(path, CancellationToken.None) is { } bundle ? EntryBundle.Decode(bundle) : [];
            return entries.Count == Tile.FullWidth && IsChain(height, entries, _keys ??= await ReadKeysAsync()) ? [.. entries] : null;
        }
        catch (CorruptException)
        {
            return null; // the blocks are the truth
        }
    }

    /// <summary>Each block says what the one before it was: the last one's signature is all of theirs.</summary>
    private static bool IsChain(long height, IReadOnlyList<byte[]> entries, VerifierKey[] keys)
    {
        Block.Open(entries[^1], keys);
        var before = default(Digest?);
        foreach (var (index, entry) in entries.Index())
        {
            var block = Block.ParseUnsigned(entry);
            if (block.Height != height + index || (before is { } leaf && block.Previous != leaf))
                return false;
            before = MerkleHash.Leaf(entry);
        }

        return true;
    }

    private async Task<VerifierKey[]> ReadKeysAsync()
    {
        var notes = await KeyNotes.ReadAsync(Bucket, signer.TreeHeadVerifiers, CancellationToken.None);
        return [.. notes.Newest.Blocks.Union(signer.BlockVerifiers)];
    }

    private void TakeIn()
    {
        var places = new Dictionary<RunId, List<LedgerPosition>>();
        foreach (var (height, facts) in _read)
        {
            foreach (var (run, line) in facts)
            {
                if (!places.TryGetValue(run, out var known))
                    places[run] = known = [];
                known.Add(new LedgerPosition(height, line));
            }
        }

        _read.Clear();
        foreach (var (run, fresh) in places)
            _places[run] = [.. _places.GetValueOrDefault(run, []).Concat(fresh).Order()];
    }

    private async Task<Block> OpenAsync(long height, VerifierKey[] keys)
    {
        return await Bucket.FindBlockAsync(height, bytes => Block.Open(bytes, keys), CancellationToken.None)
            ?? throw new UnavailableException($"Block {height} of ledger {Bucket.Name} cannot be seen any more.");
    }

    private static long? PublishedSize(byte[]? checkpoint) =>
        checkpoint is not null && Encoding.UTF8.GetString(checkpoint).Split('\n') is [_, var size, ..] && Decimal64.TryParse(size, out var parsed)
            ? parsed
            : null;
}
