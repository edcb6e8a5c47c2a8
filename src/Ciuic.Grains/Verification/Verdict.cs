namespace Ciuic.Grains;

/// <summary>The outcome of reading a snapshot back.</summary>
/// <param name="Bytes">Plain bytes of all shards.</param>
/// <param name="Complaint">What is wrong; null when every byte is right.</param>
internal readonly record struct Verdict(long Bytes, string? Complaint);
