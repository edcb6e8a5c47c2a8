using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="TrainerIdentity"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.TrainerIdentity")]
public struct TrainerIdentitySurrogate
{
    /// <summary>Host name.</summary>
    [Id(0)]
    public string Host;

    /// <summary>Process id on that host.</summary>
    [Id(1)]
    public int ProcessId;

    /// <summary>Program and version.</summary>
    [Id(2)]
    public string Agent;

    /// <summary>Boot and process namespace.</summary>
    [Id(3)]
    public string Space;
}

/// <summary>Turns <see cref="TrainerIdentity"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class TrainerIdentityConverter : IConverter<TrainerIdentity, TrainerIdentitySurrogate>
{
    /// <inheritdoc/>
    public TrainerIdentity ConvertFromSurrogate(in TrainerIdentitySurrogate surrogate) =>
        new()
        {
            Host = surrogate.Host,
            ProcessId = surrogate.ProcessId,
            Space = surrogate.Space,
            Agent = surrogate.Agent,
        };

    /// <inheritdoc/>
    public TrainerIdentitySurrogate ConvertToSurrogate(in TrainerIdentity value) =>
        new() { Host = value.Host, ProcessId = value.ProcessId, Agent = value.Agent, Space = value.Space };
}
