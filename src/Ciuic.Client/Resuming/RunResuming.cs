using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Resumes a run: from the cluster's head or the bucket's, however long the bucket does not answer, and, where several ranks train
/// together, until all of them have restored the same.
/// </summary>
internal sealed class RunResuming(
    RunId run,
    RankPlace place,
    ClientOptions client,
    RankOptions ranks,
    ICoordinator coordinator,
    LedgerWatch ledger,
    RunOpening opening,
    Resumer resumer,
    IReadOnlyList<ITrackedState> tracked,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    private readonly RankAgreement _agreement = new(run, place, ranks.Patience, coordinator, opening.Lease, time, logger);

    /// <summary>Restores, as the policy says; see <see cref="TrainingRun.ResumeAsync"/>.</summary>
    public async Task<ResumeReport> ResumeAsync(CancellationToken cancel)
    {
        if (!place.IsAlone && !opening.IsOpen)
            await WithSiloAsync(opening.OpenPatientlyAsync, cancel);
        while (true)
        {
            if (await TryResumeAsync(cancel) is { } report)
                return report;
            logger.RestoringAgain(run);
            await WithSiloAsync(opening.ReopenAsync, cancel);
        }
    }

    /// <summary>One process may train without a silo; several could begin from different snapshots.</summary>
    private async Task WithSiloAsync(Func<CancellationToken, Task> open, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(ranks.Patience);
        try
        {
            await open(patience.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new UnavailableException(
                $"Run {run}: no silo answers within {ranks.Patience} (Ciuic:Ranks:Patience), and without one several ranks cannot agree on the "
                + "snapshot that they go on from.");
        }
    }

    /// <returns>Null where another rank went back to an older snapshot meanwhile.</returns>
    private async Task<ResumeReport?> TryResumeAsync(CancellationToken cancel)
    {
        try
        {
            var report = await RestorePatientlyAsync(cancel);
            return place.IsAlone || await _agreement.WaitAsync(opening.ContinuesFrom, cancel) ? report : null;
        }
        catch (FencedException) when (!place.IsAlone)
        {
            return null; // by another rank that went back, or by another attempt: opening it again tells
        }
    }

    private async Task<ResumeReport> RestorePatientlyAsync(CancellationToken cancel)
    {
        var begin = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await RestoreAsync(cancel);
            }
            catch (UnavailableException error) when (time.GetElapsedTime(begin) + BetweenTries < client.StorePatience)
            {
                logger.NotRestoredYet(run, client.StorePatience, error.Message);
            }

            await Task.Delay(BetweenTries, time, cancel);
        }
    }

    private async Task<ResumeReport> RestoreAsync(CancellationToken cancel)
    {
        var withoutSilo = !opening.IsOpen;
        var chain = await FindChainAsync(withoutSilo, cancel);
        if (client.Resume == ResumePolicy.Never)
            return await StartFreshAsync(chain, withoutSilo, cancel);
        if (client.Resume == ResumePolicy.Must && chain.Head is null)
            throw new NotFoundException($"Run {run} has no snapshot to resume from, and Ciuic:Client:Resume is Must.");
        var report = await resumer.ResumeAsync(chain, withoutSilo, cancel);
        var damagedHead = report.Damage.Count > 0 ? chain.Head : null;
        await opening.ContinueFromAsync(report.From, damagedHead, string.Join(" | ", report.Damage), cancel);
        return report;
    }

    private async Task<ChainSource> FindChainAsync(bool withoutSilo, CancellationToken cancel)
    {
        if (withoutSilo)
            return await ChainSource.FromBucketAsync(run, ledger, await ledger.CheckAsync(run, logger, true, cancel), cancel);
        // Where nothing is to be restored nothing needs to be believed, and the bucket need not even answer.
        var known = client.Resume == ResumePolicy.Never
            ? null
            : await ledger.CheckAsync(run, logger, mustAnswer: opening.Head is not null, cancel);
        return ChainSource.FromCluster(run, opening.Head, coordinator, ledger, known);
    }

    private async Task<ResumeReport> StartFreshAsync(ChainSource chain, bool withoutSilo, CancellationToken cancel)
    {
        var items = tracked
            .Select(t => new ItemReport(t.Item, ItemOutcome.Skipped, "the resume policy is Never"))
            .ToList();
        // New snapshots continue the chain: from scratch is what they were trained on, and history says so by step.
        await opening.ContinueFromAsync(chain.Head, null, "", cancel);
        return new ResumeReport(run, null, TrainingProgress.Start, items, [], withoutSilo);
    }
}
