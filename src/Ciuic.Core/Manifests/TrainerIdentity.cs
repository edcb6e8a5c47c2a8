using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>Which process holds a lease or saved a snapshot.</summary>
public sealed record TrainerIdentity
{
    /// <summary>Host name.</summary>
    [JsonPropertyName("host"), JsonPropertyOrder(1)]
    public required string Host { get; init; }

    /// <summary>Process id on that host.</summary>
    [JsonPropertyName("pid"), JsonPropertyOrder(2)]
    public required int ProcessId { get; init; }

    /// <summary>
    /// Names boot, process namespace and start (BOOT/NAMESPACE/TICKS), so that "is this process still there?" is only asked where the id means
    /// the same; empty where unknown.
    /// </summary>
    [JsonPropertyName("space"), JsonPropertyOrder(3)]
    public required string Space { get; init; }

    /// <summary>Program and version, such as <c>Ciuic.Client/0.1.0</c>.</summary>
    [JsonPropertyName("agent"), JsonPropertyOrder(4)]
    public required string Agent { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"process {ProcessId} on {Host}";
}
