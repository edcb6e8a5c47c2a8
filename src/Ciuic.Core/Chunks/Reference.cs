namespace Ciuic.Core;

/// <summary>
/// What elements are compared with: nothing, the base's, or predicted ones, which are computed where they are asked for, so
/// that they stay in the nearest cache.
/// </summary>
internal readonly ref struct Reference
{
    private readonly Prediction? _prediction;
    private readonly ChunkSources _sources;
    private readonly Span<byte> _room;

    private Reference(DeltaOperation operation, ChunkSources sources, Prediction? prediction, Span<byte> room)
    {
        Operation = operation;
        _sources = sources;
        _prediction = prediction;
        _room = room;
    }

    /// <summary>Elements stand for themselves.</summary>
    public static Reference None => default;

    /// <summary>How they are compared; null where they stand for themselves.</summary>
    public DeltaOperation? Operation { get; }

    /// <summary>The base's own elements.</summary>
    public static Reference To(DeltaOperation operation, ChunkSources sources) => new(operation, sources, null, default);

    /// <summary>The elements that a step would make of the base's.</summary>
    /// <param name="prediction">The step.</param>
    /// <param name="sources">The base and its two inputs, all of one length.</param>
    /// <param name="room">Takes as many bytes as are asked for at once.</param>
    public static Reference Of(Prediction prediction, ChunkSources sources, Span<byte> room) =>
        new(DeltaOperation.Difference, sources, prediction, room);

    /// <summary>The elements to compare with, from a byte on; valid until the next call.</summary>
    public ReadOnlySpan<byte> At(int offset, int length)
    {
        var basis = _sources.Base.Plain.Slice(offset, length);
        if (_prediction is not { } how)
            return basis;
        var predicted = _room[..length];
        AdamReplay.Predict(
            how, basis, _sources.Input1.Plain.Slice(offset, length), _sources.Input2.Plain.Slice(offset, length), predicted);
        return predicted;
    }
}
