using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// The memory of this silo in which chunks are checked. However many snapshots are verified at once, who finds it taken waits his
/// turn; the first to come is the first to get it, so that a large family is not passed by for ever. Thread-safe.
/// </summary>
/// <param name="bytes">All of it.</param>
internal sealed class VerificationRoom(long bytes)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Turn> _waiting = [];
    private readonly long _all = bytes;
    private long _free = bytes;

    /// <summary>Waits until there is room; what needs more than there is gets all of it, alone.</summary>
    /// <returns>Gives the room back.</returns>
    public async Task<IDisposable> TakeAsync(long wanted, CancellationToken cancel)
    {
        var turn = new Turn(this, Math.Min(wanted, _all));
        lock (_lock)
        {
            _waiting.AddLast(turn);
            Admit();
        }

        try
        {
            await turn.Admitted.WaitAsync(cancel);
            return turn;
        }
        catch (OperationCanceledException)
        {
            turn.Dispose();
            throw;
        }
    }

    /// <summary>What checking chunks together takes at most: what is still needed at a time, one frame that is decoded and the next one.</summary>
    public static long NeedOf(ChunkFamily family)
    {
        var needs = family.Order.SelectMany(c => c.Sources).CountBy(s => s).ToDictionary();
        var lengths = family.Order.ToDictionary(c => c.Id, c => (long)c.Length);
        var (live, peak) = (0L, 0L);
        foreach (var chunk in family.Order)
        {
            live += chunk.Length;
            peak = Math.Max(peak, live);
            foreach (var source in chunk.Sources.Where(s => --needs[s] == 0))
                live -= lengths[source];
            if (!needs.ContainsKey(chunk.Id))
                live -= chunk.Length;
        }

        return peak + 2 * family.Order.Max(c => (long)ChunkFrame.MaxLength(c.Length));
    }

    private void Admit()
    {
        while (_waiting.First is { } next && next.Value.Bytes <= _free)
        {
            _free -= next.Value.Bytes;
            _waiting.RemoveFirst();
            next.Value.Admit();
        }
    }

    private void Return(Turn turn)
    {
        lock (_lock)
        {
            if (!_waiting.Remove(turn))
                _free += turn.Bytes;
            Admit();
        }
    }

    private sealed class Turn(VerificationRoom room, long bytes) : IDisposable
    {
        private readonly TaskCompletionSource _admitted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _isOver;

        public long Bytes => bytes;

        public Task Admitted => _admitted.Task;

        public void Admit() => _admitted.SetResult();

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _isOver, true))
                room.Return(this);
        }
    }
}
