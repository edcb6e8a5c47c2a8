using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>The lines of the next block: equal records share one.</summary>
internal sealed class BlockLines
{
    private readonly Dictionary<Digest, int> _lines = [];
    private readonly IReadOnlyList<WaitingRecord> _waiting;

    private BlockLines(IReadOnlyList<WaitingRecord> waiting) => _waiting = waiting;

    /// <summary>The records in order.</summary>
    public List<byte[]> Records { get; } = [];

    public static BlockLines Of(IReadOnlyList<WaitingRecord> waiting)
    {
        var lines = new BlockLines(waiting);
        foreach (var record in waiting)
        {
            if (lines._lines.TryAdd(record.Digest, lines.Records.Count))
                lines.Records.Add(record.Bytes);
        }

        return lines;
    }

    /// <summary>Tells everyone where its record stands.</summary>
    public void Commit(long height)
    {
        foreach (var record in _waiting)
            record.Commit(new LedgerPosition(height, _lines[record.Digest]));
    }
}
