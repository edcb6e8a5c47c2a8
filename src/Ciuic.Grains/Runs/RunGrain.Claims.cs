using Ciuic.Contracts;

namespace Ciuic.Grains;

/// <summary>A trainer's word that the head is damaged is no reason to leave it: his store may show what nobody else's does.</summary>
internal sealed partial class RunGrain
{
    /// <summary>Short: the run answers nobody else meanwhile. A large snapshot is asked for again and again.</summary>
    private static readonly TimeSpan ReadingPatience = TimeSpan.FromSeconds(2);

    /// <summary>What a rollback is answered whose head may be whole; null where the silo has found it damaged too, or nobody says that it is.</summary>
    /// <exception cref="Core.UnavailableException">The silo cannot read it either: nobody knows.</exception>
    private async Task<RollbackOutcome?> RefuteAsync(RollbackRequest request)
    {
        if (request is not { FromIsDamaged: true, From: { } claimed })
            return null;
        if (await SnapshotOf(claimed.Sequence).InspectAsync(ReadingPatience) is not { } inspection)
            return RollbackOutcome.Reading;
        if (inspection.Complaint is null)
            logger.FoundWhole(Id, claimed.Sequence, request.Actor);
        return inspection.Complaint is null ? RollbackOutcome.Whole : null;
    }
}
