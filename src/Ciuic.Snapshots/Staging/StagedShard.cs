using System.Runtime.ExceptionServices;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A shard, or a window of one, whose bytes lie in the staging arena; the live tensors are no longer needed for them.</summary>
public sealed class StagedShard
{
    /// <summary>
    /// Tensors are copied in pieces of this size: one may be larger than a span, and several cores share the work. Measured: one
    /// large call copies 12 GB/s, pieces of 4 MiB 8.
    /// </summary>
    private const int PieceBytes = 32 << 20;

    /// <summary>Threads that copy; memory has no more bandwidth for others.</summary>
    private static readonly int Copiers = Math.Min(4, Environment.ProcessorCount);

    private readonly long _start;

    private StagedShard(StagingPlan plan, StagingWindow window, StagingArena arena)
    {
        (Plan, Window, Arena) = (plan, window, arena);
        (_start, var end) = Bounds(plan, window);
        Copy(end);
    }

    /// <summary>What the whole shard holds.</summary>
    public StagingPlan Plan { get; }

    /// <summary>The chunks that lie in the arena.</summary>
    public StagingWindow Window { get; }

    /// <summary>Where their bytes lie.</summary>
    public StagingArena Arena { get; }

    /// <summary>Whether all chunks do.</summary>
    public bool IsWhole => Window.Count == Plan.Chunks.Count;

    /// <summary>
    /// Copies everything into a buffer: the only part of a save that the trainer waits for.
    /// </summary>
    /// <exception cref="InvalidInputException">The state is larger than the buffers may become, or a name is used twice.</exception>
    public static StagedShard Stage(StagingBuffers buffers, IReadOnlyList<ItemState> items, int chunkBytes) =>
        Stage(buffers, StagingPlan.Of(items, chunkBytes));

    /// <summary>Copies everything that was planned into a buffer.</summary>
    /// <exception cref="InvalidInputException">The state is larger than the buffers may become.</exception>
    public static StagedShard Stage(StagingBuffers buffers, StagingPlan plan) =>
        new(plan, new StagingWindow(0, plan.Chunks.Count), buffers.Take(Math.Max(1, plan.Length)));

    /// <summary>Copies a part of what was planned into an arena that has room for it.</summary>
    public static StagedShard Stage(StagingArena arena, StagingPlan plan, StagingWindow window) => new(plan, window, arena);

    /// <summary>The plain bytes of one chunk of the window.</summary>
    public Memory<byte> Content(ChunkRange chunk) => Arena.Slice(chunk.Offset - _start, chunk.Length);

    private static (long Start, long End) Bounds(StagingPlan plan, StagingWindow window)
    {
        if (window.Count == 0)
            return (0, 0);
        var last = plan.Chunks[window.First + window.Count - 1];
        return (plan.Chunks[window.First].Offset, last.Offset + last.Length);
    }

    private void Copy(long end)
    {
        Copy(Plan.Sources.SelectMany(t => Pieces(t.Record, t.Source, end)).ToList());
        foreach (var (record, content) in Plan.Contents)
        {
            var (from, to) = (Math.Max(record.Offset, _start), Math.Min(record.Offset + record.Length, end));
            if (from < to)
                content.AsMemory((int)(from - record.Offset), (int)(to - from)).CopyTo(Arena.Slice(from - _start, (int)(to - from)));
        }
    }

    private void Copy(List<Piece> pieces)
    {
        if (pieces.Sum(p => (long)p.Length) < PieceBytes)
            pieces.ForEach(p => p.Copy(Arena)); // other threads would cost more than they bring
        else
            CopyOnSeveralCores(pieces);
    }

    /// <summary>What goes wrong with one tensor is told as it is, however many threads were at it.</summary>
    private void CopyOnSeveralCores(List<Piece> pieces)
    {
        try
        {
            Parallel.ForEach(pieces, new ParallelOptions { MaxDegreeOfParallelism = Copiers }, p => p.Copy(Arena));
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.Flatten().InnerExceptions[0]);
        }
    }

    private IEnumerable<Piece> Pieces(TensorRecord record, TensorSource source, long end)
    {
        end = Math.Min(record.Offset + record.Length, end);
        for (var at = Math.Max(record.Offset, _start); at < end; at += PieceBytes)
            yield return new Piece(source, at - record.Offset, at - _start, (int)Math.Min(PieceBytes, end - at));
    }

    private readonly record struct Piece(TensorSource Source, long From, long To, int Length)
    {
        public void Copy(StagingArena arena) => Source.CopyTo(From, arena.Slice(To, Length).Span);
    }
}
