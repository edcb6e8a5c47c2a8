namespace Ciuic.Snapshots;

/// <summary>
/// Two arenas in turn: one takes the next snapshot while the other keeps the one before, which the next is compared with.
/// Where the budget holds only one, nothing is kept.
/// </summary>
/// <param name="maxBytes">Bytes of both together.</param>
public sealed class StagingBuffers(long maxBytes) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly StagingArena _first = new(maxBytes);
    private readonly StagingArena _second = new(maxBytes);
    private StagingArena? _kept;
    private bool _isUsed;

    /// <summary>Bytes of both arenas together.</summary>
    public long MaxBytes => maxBytes;

    /// <summary>Whether the bytes of the snapshot before are still there.</summary>
    public bool IsKept => _kept is not null;

    /// <summary>
    /// Makes room for snapshots of so many bytes before the first is taken: memory that nobody has touched yet costs ten times the
    /// copy. Called beside training; who takes an arena meanwhile waits for it. Does nothing beyond the budget.
    /// </summary>
    public void Prepare(long bytes)
    {
        foreach (var arena in (StagingArena[])[_first, _second])
        {
            lock (_lock)
            {
                if (!_isUsed && !ReferenceEquals(arena, _kept) && Other(arena).Capacity + Math.Max(bytes, arena.Capacity) <= maxBytes)
                    arena.Reserve(bytes);
            }
        }
    }

    /// <summary>An arena with room for so many bytes; the kept one only where there is no room for another.</summary>
    /// <exception cref="Core.InvalidInputException">More than the configured maximum is needed.</exception>
    public StagingArena Take(long bytes)
    {
        lock (_lock)
        {
            _isUsed = true;
            var arena = ReferenceEquals(_kept, _first) ? _second : _first;
            if (_kept is not null && _kept.Capacity + Math.Max(bytes, arena.Capacity) > maxBytes)
            {
                arena.Release();
                (arena, _kept) = (_kept, null);
            }

            if (!ReferenceEquals(Other(arena), _kept) && Other(arena).Capacity + Math.Max(bytes, arena.Capacity) > maxBytes)
                Other(arena).Release(); // prepared for a smaller state, or left by one
            arena.Reserve(bytes);
            return arena;
        }
    }

    /// <summary>Both arenas, half of the budget each, for windows of a state that is larger than all of it. Nothing is kept.</summary>
    /// <param name="bytes">Bytes of the largest window, at most half of the budget.</param>
    public StagingArena[] TakeHalves(long bytes)
    {
        lock (_lock)
        {
            (_isUsed, _kept) = (true, null);
            StagingArena[] halves = [_first, _second];
            foreach (var half in halves)
            {
                if (half.Capacity > maxBytes / 2)
                    half.Release(); // of a smaller state, which took more than half
            }

            foreach (var half in halves)
                half.Reserve(bytes);
            return halves;
        }
    }

    /// <summary>Keeps the bytes of an arena until another one is kept.</summary>
    public void Keep(StagingArena arena)
    {
        lock (_lock)
            (_kept, _isUsed) = (arena, false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _isUsed = true;
            _first.Dispose();
            _second.Dispose();
        }
    }

    private StagingArena Other(StagingArena arena) => ReferenceEquals(arena, _first) ? _second : _first;
}
