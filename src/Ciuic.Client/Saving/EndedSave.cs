namespace Ciuic.Client;

/// <summary>What became of a save that was on its way when its run was closed.</summary>
/// <param name="Step">Its step.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Detail">Which snapshot it is, where it is kept, or why it failed.</param>
public sealed record EndedSave(long Step, SaveOutcome Outcome, string Detail);
