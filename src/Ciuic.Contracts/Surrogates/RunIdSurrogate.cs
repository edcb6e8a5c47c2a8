using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="RunId"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.RunId")]
public struct RunIdSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public string Value;
}

/// <summary>Turns <see cref="RunId"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class RunIdConverter : IConverter<RunId, RunIdSurrogate>
{
    /// <inheritdoc/>
    public RunId ConvertFromSurrogate(in RunIdSurrogate surrogate) => RunId.Parse(surrogate.Value);

    /// <inheritdoc/>
    public RunIdSurrogate ConvertToSurrogate(in RunId value) => new() { Value = value.Value };
}
