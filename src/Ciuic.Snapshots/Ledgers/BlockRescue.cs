namespace Ciuic.Snapshots;

/// <summary>A block whose own object is missing or wrong, while an entry bundle holds the right bytes.</summary>
/// <param name="Source">The object that holds them, below the ledger.</param>
/// <param name="Complaint">What is wrong with the block's own object.</param>
public sealed record BlockRescue(string Source, string Complaint);
