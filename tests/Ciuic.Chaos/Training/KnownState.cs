using System.Runtime.InteropServices;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Chaos;

/// <summary>
/// A state that follows from run and step alone, so that whoever reads a snapshot knows what it must hold: a replicated tensor, and
/// rows of another one.
/// </summary>
internal sealed class KnownState : ITrackedState
{
    public const string ItemName = "state";

    private static readonly long[] Shape = [96, 1_024];

    private readonly string _run;
    private readonly TensorSlice _slice;
    private readonly float[] _whole = new float[96 * 1_024];
    private readonly float[] _rows;

    public KnownState(string run, int rank, int worldSize)
    {
        _run = run;
        _slice = TensorSlice.OfRows(Shape, rank, worldSize);
        _rows = new float[_slice.Box.Count];
    }

    public string Item => ItemName;

    /// <summary>Trains: the state of another step.</summary>
    public void MoveTo(long step)
    {
        Fill(_whole, _run, "whole", step, 0);
        Fill(_rows, _run, "rows", step, _slice.Box.Offset[0] * Shape[1]);
    }

    /// <summary>Whether it is that of a step, to the bit.</summary>
    public bool IsOf(long step)
    {
        var there = (_whole.ToArray(), _rows.ToArray());
        MoveTo(step);
        return there.Item1.AsSpan().SequenceEqual(_whole) && there.Item2.AsSpan().SequenceEqual(_rows);
    }

    /// <summary>Reads both tensors of a snapshot whole.</summary>
    /// <returns>Whether they are those of its step.</returns>
    public static bool IsRight(string run, long step, SavedItem saved)
    {
        foreach (var name in new[] { "whole", "rows" })
        {
            var (there, right) = (new float[96 * 1_024], new float[96 * 1_024]);
            saved.ReadTensor(name, (at, bytes) => bytes.Span.CopyTo(MemoryMarshal.AsBytes(there.AsSpan())[(int)at..]));
            Fill(right, run, name, step, 0);
            if (!there.AsSpan().SequenceEqual(right))
                return false;
        }

        return true;
    }

    public TensorSlice? SliceOf(string name) => name == "rows" ? _slice : null;

    public ItemState Capture() =>
        new(ItemName, [new FloatTensor("whole", null, Shape, _whole), new FloatTensor("rows", _slice, _slice.Box.Shape, _rows)], [], []);

    public IReadOnlyList<string> Compare(SavedItem saved) =>
        saved.Tensors.Count == 2 && saved.Tensors.Values.All(t => t.Shape.SequenceEqual(Shape)) ? [] : ["state: other tensors"];

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        saved.ReadTensor("whole", (at, bytes) => bytes.Span.CopyTo(MemoryMarshal.AsBytes(_whole.AsSpan())[(int)at..]));
        saved.ReadTensor("rows", _slice, (at, bytes) => bytes.Span.CopyTo(MemoryMarshal.AsBytes(_rows.AsSpan())[(int)at..]));
        return [];
    }

    /// <summary>Some of the elements move a little with each step, as weights do.</summary>
    private static void Fill(Span<float> values, string run, string name, long step, long first)
    {
        var seed = run.Concat(name).Aggregate(17u, (hash, c) => hash * 31 + c);
        for (var i = 0; i < values.Length; i++)
        {
            var noise = Mix((uint)(first + i) ^ seed);
            var start = noise / (float)uint.MaxValue - 0.5f;
            values[i] = start + (noise % 4 == 0 ? step * 1e-5f * (noise % 7) : 0);
        }
    }

    private static uint Mix(uint value)
    {
        value = (value ^ (value >> 16)) * 0x7feb352d;
        value = (value ^ (value >> 15)) * 0x846ca68b;
        return value ^ (value >> 16);
    }

    private sealed class FloatTensor(string name, TensorSlice? slice, IReadOnlyList<long> shape, float[] values) : TensorSource
    {
        public override string Name => name;

        public override DType DType => DType.Float32;

        public override IReadOnlyList<long> Shape => shape;

        public override TensorSlice? Slice => slice;

        public override void CopyTo(long offset, Span<byte> destination) =>
            MemoryMarshal.AsBytes(values.AsSpan()).Slice((int)offset, destination.Length).CopyTo(destination);
    }
}
