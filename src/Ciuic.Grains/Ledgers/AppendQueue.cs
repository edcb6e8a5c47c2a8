using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>One caller that waits for its record to be committed.</summary>
internal sealed class WaitingRecord(byte[] bytes, long notBefore, bool standsAlone)
{
    private readonly TaskCompletionSource<LedgerPosition> _done =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public byte[] Bytes => bytes;

    public long NotBefore => notBefore;

    /// <summary>Whether it gets a block of its own: a rotation that comes too late must not take others with it.</summary>
    public bool StandsAlone => standsAlone;

    public Digest Digest { get; } = Digest.Of(bytes);

    public Task<LedgerPosition> Task => _done.Task;

    public void Commit(LedgerPosition position) => _done.TrySetResult(position);

    public void Fail(Exception error) => _done.TrySetException(error);
}

/// <summary>Records waiting for a block. Used on one grain's scheduler only.</summary>
internal sealed class AppendQueue(int maxWaiting)
{
    /// <summary>Room for header, signature and the longest origin.</summary>
    private const int BlockOverhead = 2_048;

    private readonly LinkedList<WaitingRecord> _waiting = [];

    public bool IsEmpty => _waiting.Count == 0;

    /// <exception cref="UnavailableException">Too many are waiting.</exception>
    public WaitingRecord Add(byte[] record, long notBefore, bool standsAlone)
    {
        if (_waiting.Count >= maxWaiting)
            throw new UnavailableException($"{_waiting.Count} records wait for the ledger; ask again later.");
        return _waiting.AddLast(new WaitingRecord(record, notBefore, standsAlone)).Value;
    }

    /// <summary>Takes the oldest records that fit into one block.</summary>
    public List<WaitingRecord> TakeBatch()
    {
        var batch = new List<WaitingRecord>();
        var room = Block.MaxBytes - BlockOverhead;
        while (_waiting.First is { } next && room >= next.Value.Bytes.Length + 1 && MayJoin(batch, next.Value))
        {
            room -= next.Value.Bytes.Length + 1;
            batch.Add(next.Value);
            _waiting.RemoveFirst();
        }

        return batch;
    }

    private static bool MayJoin(List<WaitingRecord> batch, WaitingRecord next) =>
        batch.Count == 0 || !(next.StandsAlone || batch[0].StandsAlone);

    /// <summary>Puts records back in front, in their order.</summary>
    public void Return(IReadOnlyList<WaitingRecord> records)
    {
        for (var i = records.Count - 1; i >= 0; i--)
            _waiting.AddFirst(records[i]);
    }
}
