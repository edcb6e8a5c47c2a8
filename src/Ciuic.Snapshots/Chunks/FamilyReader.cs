using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Reads chunks that need each other: each frame once, in the order of what needs what, the next one on its way while the one
/// before is decoded. Bytes that nobody asked for are let go as soon as nothing needs them any more.
/// </summary>
internal sealed class FamilyReader(IObjectStore store, LendingPool<ChunkDecoder> decoders, BaseCache cache)
{
    /// <summary>Reads a family.</summary>
    /// <param name="family">The chunks.</param>
    /// <param name="target">Gives the memory that takes a wanted chunk's bytes, once for each.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <returns>What became of each wanted chunk.</returns>
    public async Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> ReadAsync(
        ChunkFamily family, Func<ChunkRecord, Memory<byte>> target, CancellationToken cancel)
    {
        using var reading = new FamilyReading(family, target, cache.Find);
        await ReadAsync(reading, isChecked: false, cancel);
        Remember(reading);
        if (!reading.HasDamage)
            return reading.Outcomes;
        // A base is not checked against its name, because a wrong byte of it shows in what was wanted. To say which of them
        // it was, all are.
        using var again = new FamilyReading(family, reading.Target, _ => null);
        await ReadAsync(again, isChecked: true, cancel);
        return again.Outcomes;
    }

    private void Remember(FamilyReading reading)
    {
        foreach (var (chunk, plain) in reading.Good())
            cache.Put(chunk.Id, plain.Span, chunk.Base);
    }

    private async Task ReadAsync(FamilyReading reading, bool isChecked, CancellationToken cancel)
    {
        var order = reading.Order;
        var next = FrameAsync(order, 0, cancel);
        for (var i = 0; i < order.Count; i++)
        {
            using var frame = await next;
            next = FrameAsync(order, i + 1, cancel);
            try
            {
                Decode(reading, order[i], frame, isChecked);
            }
            catch (CorruptException error)
            {
                await StandInAsync(reading, order[i], error, cancel);
            }
            catch
            {
                (await next)?.Dispose();
                throw;
            }

            reading.LetGo(order[i]);
        }
    }

    private void Decode(FamilyReading reading, ChunkRecord chunk, RentedFrame? frame, bool isChecked)
    {
        var sources = reading.SourcesOf(chunk);
        if (frame is null)
            throw new CorruptException($"chunk {chunk.Id} is missing");
        using var decoder = decoders.Take();
        if (isChecked || reading.IsWanted(chunk))
            decoder.Value.Decode(chunk.Id, frame.Span, reading.MemoryOf(chunk).Span, sources);
        else
            decoder.Value.DecodeBase(chunk.Id, frame.Span, reading.MemoryOf(chunk).Span, sources);
        reading.Done(chunk, frame.Length);
    }

    /// <summary>The same bytes may be in the bucket whole, saved by another run or before a full snapshot.</summary>
    private async Task StandInAsync(FamilyReading reading, ChunkRecord chunk, CorruptException error, CancellationToken cancel)
    {
        using var frame = chunk.Base is null
            ? null
            : await RentedFrame.TryReadAsync(store, BucketLayout.Chunk(chunk.Id), chunk.Length, cancel);
        try
        {
            if (frame is null)
                throw error;
            using var decoder = decoders.Take();
            decoder.Value.Decode(chunk.Id, frame.Span, reading.MemoryOf(chunk).Span, ChunkSources.None);
            reading.Done(chunk, frame.Length);
        }
        catch (CorruptException)
        {
            reading.Damaged(chunk, error);
        }
    }

    private async Task<RentedFrame?> FrameAsync(IReadOnlyList<ChunkRecord> order, int index, CancellationToken cancel) =>
        index < order.Count ? await RentedFrame.TryReadAsync(store, BucketLayout.Chunk(order[index]), order[index].Length, cancel) : null;
}
