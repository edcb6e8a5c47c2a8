namespace Ciuic.Client;

/// <summary>What came of keeping a save on this machine.</summary>
/// <param name="IsKept">Whether it is there now.</param>
/// <param name="Message">Where and why, or why not: what its handle says.</param>
internal sealed record KeptSave(bool IsKept, string Message);
