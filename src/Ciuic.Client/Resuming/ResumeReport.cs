using System.Text;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>What became of one item.</summary>
public enum ItemOutcome
{
    /// <summary>Put back, bit for bit.</summary>
    Restored = 1,

    /// <summary>Tracked, but not in the snapshot: keeps its fresh state.</summary>
    Missing,

    /// <summary>In the snapshot, but not put back; the detail says why.</summary>
    Skipped,
}

/// <summary>One line of a resume report.</summary>
/// <param name="Item">The item, or <c>item/part</c>.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Detail">How much, or why.</param>
public sealed record ItemReport(string Item, ItemOutcome Outcome, string Detail);

/// <summary>What a resume did: from which snapshot, item by item.</summary>
/// <param name="Run">The run.</param>
/// <param name="From">The snapshot restored; null when training starts from scratch.</param>
/// <param name="Progress">Where training goes on.</param>
/// <param name="Items">Every tracked and every saved item.</param>
/// <param name="Damage">Newer snapshots that were passed over, and why.</param>
/// <param name="WithoutSilo">Whether the bucket alone was asked, because no silo answered.</param>
public sealed record ResumeReport(
    RunId Run,
    SnapshotLink? From,
    TrainingProgress Progress,
    IReadOnlyList<ItemReport> Items,
    IReadOnlyList<string> Damage,
    bool WithoutSilo)
{
    /// <summary>The report as text, an item a line.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var damage in Damage)
            text.AppendLine($"damaged: {damage}");
        text.Append(From is null
            ? $"run {Run}: nothing to restore, starting from scratch"
            : $"run {Run}: resumed from snapshot #{From.Sequence} ({From.Manifest.Digest.ToShortString()}), step {Progress.Step}, epoch {Progress.Epoch}, sample {Progress.NextSample}");
        if (WithoutSilo)
            text.Append(" - NO SILO ANSWERED; the bucket alone was read");
        foreach (var item in Items)
            text.AppendLine().Append($"  {item.Outcome.ToString().ToLowerInvariant(),-8}  {item.Item,-12}  {item.Detail}");
        return text.ToString();
    }
}
