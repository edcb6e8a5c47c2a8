using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// Opens the run: at once when a silo answers, or later, when training has begun without one. Late, the head it
/// finds must be the snapshot that was restored from the bucket; otherwise saving would hide somebody's work.
/// </summary>
internal sealed class RunOpening(RunId run, ICoordinator coordinator, RunLease lease)
{
    private readonly SemaphoreSlim _opening = new(1);
    private bool _opened;
    private SnapshotLink? _restored;
    private (SnapshotLink Damaged, string Reason)? _fallback;

    /// <summary>The right to write.</summary>
    public RunLease Lease => lease;

    /// <summary>The chain head found when the run was opened.</summary>
    public SnapshotLink? Head { get; private set; }

    /// <summary>Whether a silo granted the lease.</summary>
    public bool IsOpen => _opened;

    /// <summary>Opens the run now.</summary>
    public async Task OpenAsync(CancellationToken cancel)
    {
        Head = await lease.OpenAsync(cancel);
        _opened = true;
    }

    /// <summary>
    /// Says what training went on from. After a fallback the chain head is moved there, so that history tells on what
    /// the next snapshot was trained.
    /// </summary>
    public async Task ContinueFromAsync(
        SnapshotLink? restored, SnapshotLink? damagedHead, string reason, CancellationToken cancel)
    {
        _restored = restored;
        if (damagedHead is not null)
            _fallback = (damagedHead, reason);
        if (_opened)
            await AlignHeadAsync(cancel);
    }

    /// <summary>The token to write under, opening the run first where that has not happened.</summary>
    /// <exception cref="FencedException">A newer attempt owns the run.</exception>
    /// <exception cref="ConflictException">The run has a head that this process did not restore.</exception>
    public async Task<FencingToken> TokenAsync(CancellationToken cancel)
    {
        await _opening.WaitAsync(cancel);
        try
        {
            if (!_opened)
                await OpenLateAsync(cancel);
            return lease.IsFenced
                ? throw new FencedException($"Run {run} belongs to a newer attempt.")
                : lease.Token!.Value;
        }
        finally
        {
            _opening.Release();
        }
    }

    private async Task OpenLateAsync(CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            await coordinator.ConnectAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new UnavailableException("no silo answers");
        }

        await OpenAsync(cancel);
        await AlignHeadAsync(cancel);
    }

    private async Task AlignHeadAsync(CancellationToken cancel)
    {
        if (Head == _restored)
            return;
        if (_fallback is not { } fallback || fallback.Damaged != Head || _restored is null)
        {
            _opened = false;
            throw new ConflictException(
                $"Run {run} has the head #{Head?.Sequence}, but this process went on from "
                + $"{(_restored is null ? "scratch" : $"#{_restored.Sequence}")}: restart it to resume from the head.");
        }

        var request = new RollbackRequest
        {
            To = _restored.Sequence,
            Reason = fallback.Reason.Length <= LedgerRecord.MaxReasonLength
                ? fallback.Reason
                : fallback.Reason[..LedgerRecord.MaxReasonLength],
            Actor = ThisProcess.Identity.ToString(),
            FenceLiveAttempt = true, // our own; we take the next token right away
        };
        await coordinator.RollbackAsync(run, request, cancel);
        await OpenAsync(cancel);
    }
}
