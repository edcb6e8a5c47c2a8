using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Where the newest records stand, by the SHA-256 of their bytes: what makes an append idempotent. Bounded:
/// older records are found by reading blocks again.
/// </summary>
internal sealed class RecordIndex(int capacity)
{
    private readonly Dictionary<Digest, LedgerPosition> _positions = [];
    private readonly Queue<(long Height, Digest[] Records)> _blocks = [];

    /// <summary>Every record from this height on is known here.</summary>
    public long CoveredFrom { get; private set; }

    public static RecordIndex StartingAt(long height, int capacity) => new(capacity) { CoveredFrom = height };

    public void Add(Block block)
    {
        var digests = block.Records.Select(r => Digest.Of(r)).ToArray();
        for (var line = 0; line < digests.Length; line++)
            _positions.TryAdd(digests[line], new LedgerPosition(block.Height, line));
        _blocks.Enqueue((block.Height, digests));
        while (_positions.Count > capacity && _blocks.Count > 1)
            Forget(_blocks.Dequeue());
    }

    public LedgerPosition? Find(Digest record) =>
        _positions.TryGetValue(record, out var position) ? position : null;

    private void Forget((long Height, Digest[] Records) block)
    {
        foreach (var digest in block.Records)
        {
            if (_positions.TryGetValue(digest, out var at) && at.Height == block.Height)
                _positions.Remove(digest);
        }

        CoveredFrom = block.Height + 1;
    }
}
