using System.Buffers.Binary;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>What one of several ranks trains: a replicated model, rows of a moment, a random state of its own.</summary>
internal sealed class RankModel
{
    public static readonly long[] Whole = [64, 4_096];

    private readonly TensorSlice _slice;

    public RankModel(int rank, int worldSize)
    {
        (Rank, _slice) = (rank, TensorSlice.OfRows(Whole, rank, worldSize));
        Moment = new byte[4 * _slice.Box.Count];
    }

    public int Rank { get; }

    public byte[] Weight { get; private set; } = new byte[4 * 64 * 4_096];

    public byte[] Moment { get; private set; }

    public int Random { get; private set; } = -1;

    /// <summary>Whether looking at the state fails, as it does where memory is short.</summary>
    public bool Refuses { get; set; }

    /// <summary>Whether the model has a layer that others do not have.</summary>
    public bool HasOneMore { get; set; }

    /// <summary>Added to a layer's values: where it differs between ranks, so do they.</summary>
    public byte Drift { get; set; }

    /// <summary>The layers' names as the snapshot had them, after a restore.</summary>
    public string[] Layers { get; private set; } = [];

    /// <summary>What a tensor holds after a step.</summary>
    public static byte[] At(long step, long[] shape, string name)
    {
        var content = new byte[4 * shape.Aggregate(1L, (a, b) => a * b)];
        new Random((int)step * 31 + name.Length).NextBytes(content);
        return content;
    }

    public void Train(long step)
    {
        Weight = At(step, Whole, "weight");
        Moment = Cut(At(step, Whole, "moment"));
        Random = (int)step * 100 + Rank;
    }

    /// <summary>This rank's rows.</summary>
    public byte[] Cut(byte[] whole)
    {
        var row = 4 * (int)Whole[1];
        return whole.AsSpan((int)_slice.Box.Offset[0] * row, (int)_slice.Box.Shape[0] * row).ToArray();
    }

    public TrainingRun TrackIn(TrainingRun run) => run.Track(new Model(this)).Track(new Optimizer(this)).TrackBytes(
        TrainingRun.RandomItem,
        () =>
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, Random);
            return bytes;
        },
        bytes => Random = BinaryPrimitives.ReadInt32LittleEndian(bytes));

    private sealed class Model(RankModel of) : ITrackedState
    {
        public string Item => "model";

        public ItemState Capture()
        {
            if (of.Refuses)
                throw new UnavailableException("a test refuses");
            var layers = Enumerable.Range(0, 8).Select(i => ArrayTensor.Random($"layer{i}", 20_000, i)).ToList<TensorSource>();
            ((ArrayTensor)layers[5]).Content[70_000] += of.Drift;
            if (of.HasOneMore)
                layers.Add(ArrayTensor.Random("another", 100, 9));
            return new ItemState(Item, [new ArrayTensor("weight", DType.Float32, Whole, of.Weight), .. layers], [], []);
        }

        public IReadOnlyList<string> Compare(SavedItem saved) =>
            saved.Tensors["weight"].Shape.SequenceEqual(Whole) && saved.Tensors.Count == 9 ? [] : ["model: other tensors"];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
        {
            of.Layers = [.. saved.Tensors.Keys];
            saved.ReadTensor("weight", (at, bytes) => bytes.CopyTo(of.Weight.AsMemory((int)at)));
            return [];
        }
    }

    private sealed class Optimizer(RankModel of) : ITrackedState
    {
        public string Item => "optimizer";

        public TensorSlice? SliceOf(string name) => of._slice;

        public ItemState Capture() => new(Item, [new SlicedTensor("moment", of._slice, of.Moment)], [], []);

        public IReadOnlyList<string> Compare(SavedItem saved) =>
            saved.Tensors["moment"].Shape.SequenceEqual(Whole) ? [] : ["optimizer: another shape"];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
        {
            saved.ReadTensor("moment", of._slice, (at, bytes) => bytes.CopyTo(of.Moment.AsMemory((int)at)));
            return [];
        }
    }

    private sealed class SlicedTensor(string name, TensorSlice slice, byte[] content) : TensorSource
    {
        public override string Name => name;

        public override DType DType => DType.Float32;

        public override IReadOnlyList<long> Shape => slice.Box.Shape;

        public override TensorSlice? Slice => slice;

        public override void CopyTo(long offset, Span<byte> destination) =>
            content.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }
}
