namespace Ciuic.Contracts;

/// <summary>What reading a committed snapshot again has shown.</summary>
/// <param name="Complaint">What is wrong; null where every byte is right.</param>
[GenerateSerializer, Immutable, Alias("ciuic.Inspection")]
public sealed record Inspection(string? Complaint);
