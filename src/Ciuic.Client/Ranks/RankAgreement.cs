using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// The ranks of an attempt train once all have restored the same snapshot. They never talk to each other: each tells the run what
/// it has restored and asks how far the others are.
/// </summary>
internal sealed class RankAgreement(
    RunId run, RankPlace place, TimeSpan patience, ICoordinator coordinator, RunLease lease, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan BetweenQuestions = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FirstComplaint = TimeSpan.FromSeconds(5);

    /// <summary>Waits for the others.</summary>
    /// <returns>False where the chain head has moved: one of them went back to an older snapshot, and all must restore that.</returns>
    /// <exception cref="UnavailableException">Ranks are missing for too long; the message names them.</exception>
    public async Task<bool> WaitAsync(SnapshotLink? restored, CancellationToken cancel)
    {
        var (begin, complainAfter) = (time.GetTimestamp(), FirstComplaint);
        while (true)
        {
            var waited = time.GetElapsedTime(begin);
            var (outcome, problem) = await AskAsync(restored, cancel);
            if (outcome != ReadyOutcome.Waiting)
                return outcome == ReadyOutcome.Ready;
            if (waited > patience)
            {
                throw new UnavailableException(
                    $"Run {run}: {problem} after {patience} (Ciuic:Ranks:Patience). Ranks train together, from the same snapshot: this one "
                    + "does not begin.");
            }

            if (waited > complainAfter)
            {
                logger.WaitingForRanks(run, place.Rank, problem);
                complainAfter *= 2;
            }

            await Task.Delay(BetweenQuestions, time, cancel);
        }
    }

    private async Task<(ReadyOutcome Outcome, string Problem)> AskAsync(SnapshotLink? restored, CancellationToken cancel)
    {
        try
        {
            if (lease is not { Token: { } token, IsFenced: false })
                return (ReadyOutcome.Fenced, "");
            var reply = await coordinator.ReadyAsync(run, token, place.Member, restored, cancel);
            return (reply.Outcome,
                $"of {place.WorldSize} ranks {string.Join(", ", reply.MissingRanks)} have not restored what this one has: all of them open the run "
                + "and resume it; where one saves alone for all, its Ciuic:Ranks:WorldSize is 1");
        }
        catch (UnavailableException error)
        {
            return (ReadyOutcome.Waiting, $"no silo says how far the other ranks are ({error.Message})");
        }
    }
}
