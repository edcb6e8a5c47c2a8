using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="LedgerPosition"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.LedgerPosition")]
public struct LedgerPositionSurrogate
{
    /// <summary>Height of the block.</summary>
    [Id(0)]
    public long Height;

    /// <summary>Line within the block.</summary>
    [Id(1)]
    public int Line;
}

/// <summary>Turns <see cref="LedgerPosition"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class LedgerPositionConverter : IConverter<LedgerPosition, LedgerPositionSurrogate>
{
    /// <inheritdoc/>
    public LedgerPosition ConvertFromSurrogate(in LedgerPositionSurrogate surrogate) =>
        new(surrogate.Height, surrogate.Line);

    /// <inheritdoc/>
    public LedgerPositionSurrogate ConvertToSurrogate(in LedgerPosition value) =>
        new() { Height = value.Height, Line = value.Line };
}
