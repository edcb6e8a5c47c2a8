using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Questions to the ledger's writer, and the commands of the people who run it.</summary>
public sealed class ChainLedger
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    private readonly AwaitedCluster _cluster;
    private readonly string _ledger;
    private readonly TimeProvider _time;

    internal ChainLedger(AwaitedCluster cluster, string ledger, TimeProvider time) =>
        (_cluster, _ledger, _time) = (cluster, ledger, time);

    /// <summary>How it stands: size, what is final, keys, witnesses.</summary>
    public async Task<LedgerView> DescribeAsync(CancellationToken cancel = default) =>
        await (await _cluster.GetAsync(cancel)).DescribeLedgerAsync(_ledger, cancel);

    /// <summary>The verifier key that the next rotation of a role will put in force, so that witnesses can learn it before.</summary>
    public async Task<VerifierKey> PrepareKeyAsync(KeyRole role, CancellationToken cancel = default) =>
        await (await _cluster.GetAsync(cancel)).PrepareKeyAsync(_ledger, role, cancel);

    /// <summary>Puts the prepared key in force, by a record that the old and the new one sign.</summary>
    /// <param name="role">What it signs.</param>
    /// <param name="actor">Who asks; it stays in the ledger.</param>
    /// <param name="reason">Why; it stays in the ledger.</param>
    /// <param name="cancel">Ends the waiting, not the rotation.</param>
    /// <exception cref="ConflictException">Another rotation came first.</exception>
    /// <exception cref="UnavailableException">The outcome is unknown; <see cref="DescribeAsync"/> says which key is in force.</exception>
    public async Task<LedgerView> RotateAsync(KeyRole role, string actor, string reason, CancellationToken cancel = default)
    {
        var to = await PrepareKeyAsync(role, cancel);
        try
        {
            return await (await _cluster.GetAsync(cancel)).RotateAsync(_ledger, role, to, actor, reason, cancel);
        }
        catch (Exception error) when (error is UnavailableException or ConflictException)
        {
            // The answer was lost, the writer was not sure, or our own rotation came first: the same key again is the same one.
            return await (await _cluster.GetAsync(cancel)).RotateAsync(_ledger, role, to, actor, reason, cancel);
        }
    }

    /// <summary>
    /// Fills an empty database with what ledger and bucket say. Runs that the database knows are left as they are; an
    /// interrupted rebuild goes on.
    /// </summary>
    /// <param name="known">A tree head of the ledger that is to be rebuilt from, so that it is this one; null to believe the silo.</param>
    /// <param name="progress">Told how far it is, a few times a second.</param>
    /// <param name="cancel">Ends the watching, not the rebuild.</param>
    /// <exception cref="CorruptException">The ledger is damaged.</exception>
    /// <exception cref="UnavailableException">The silo, its store or its database does not answer; ask again.</exception>
    public async Task<RebuildView> RebuildAsync(
        TreeHead? known, Action<RebuildView> progress, CancellationToken cancel = default)
    {
        await (await _cluster.GetAsync(cancel)).StartRebuildAsync(_ledger, known, cancel);
        while (true)
        {
            var view = await (await _cluster.GetAsync(cancel)).DescribeRebuildAsync(_ledger, cancel);
            if (!view.HasBegun)
                throw new UnavailableException("The rebuild was interrupted: its silo has stopped. Ask again, it goes on.");
            progress(view);
            if (view is { IsOver: true, Problem: { } problem })
                throw view.IsDamage ? new CorruptException(problem) : new UnavailableException(problem);
            if (view.IsOver)
                return view;
            await Task.Delay(LookEvery, _time, cancel);
        }
    }
}
