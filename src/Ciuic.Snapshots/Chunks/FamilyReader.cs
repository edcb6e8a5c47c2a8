using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Reads chunks that need each other: each frame once, in the order of what needs what, the next one on its way while the one
/// before is decoded. Bytes that nobody asked for are let go as soon as nothing needs them any more.
/// </summary>
/// <param name="store">The bucket.</param>
/// <param name="decoders">Lent to decode.</param>
/// <param name="buffers">Lent to read into.</param>
/// <param name="cache">What was read before; null to believe nothing and to keep nothing.</param>
internal sealed class FamilyReader(
    IObjectStore store, LendingPool<ChunkDecoder> decoders, BufferPool buffers, BaseCache? cache)
{
    /// <summary>Objects asked for at once where their bytes are at hand.</summary>
    private const int AskedAtOnce = 16;

    /// <summary>Reads a family.</summary>
    /// <param name="family">The chunks.</param>
    /// <param name="target">Gives the memory that takes a wanted chunk's bytes, once for each; null to check them only.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <returns>What became of each wanted chunk.</returns>
    public async Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> ReadAsync(
        ChunkFamily family, Func<ChunkRecord, Memory<byte>>? target, CancellationToken cancel)
    {
        var known = await KnownAsync(family, cancel);
        using var reading = new FamilyReading(family, target, known, buffers);
        await ReadAsync(reading, isChecked: false, cancel);
        if (!reading.HasDamage)
            return reading.Outcomes;
        // What nobody asked for is not checked against its name: what was asked for is, and is right or not. To say which of
        // them made it wrong, all are.
        using var again = new FamilyReading(family, target is null ? null : reading.Target, _ => null, buffers);
        await ReadAsync(again, isChecked: true, cancel);
        return again.Outcomes;
    }

    /// <summary>
    /// What is at hand, where the store still has everything that is not read because of it: what has gone, or has another length
    /// than it had, is no chunk's base any more, whatever lies in memory.
    /// </summary>
    private async Task<Func<ChunkId, byte[]?>> KnownAsync(ChunkFamily family, CancellationToken cancel)
    {
        if (cache is null)
            return _ => null;
        using var reading = new FamilyReading(family, null, cache.Find, buffers);
        var read = reading.Order.Select(c => c.Id).ToHashSet();
        foreach (var some in family.Order.Where(c => !read.Contains(c.Id)).Chunk(AskedAtOnce))
        {
            var are = await Task.WhenAll(some.Select(c => IsThereAsync(cache, c, cancel)));
            if (are.Contains(false))
                return _ => null;
        }

        return cache.Find;
    }

    private async Task<bool> IsThereAsync(BaseCache known, ChunkRecord chunk, CancellationToken cancel)
    {
        var key = BucketLayout.Chunk(chunk);
        var length = await store.GetLengthAsync(key, cancel);
        return length > 0 && length == (known.LengthOf(chunk.Id, key) ?? length);
    }

    private async Task ReadAsync(FamilyReading reading, bool isChecked, CancellationToken cancel)
    {
        var order = reading.Order;
        var next = FrameAsync(order, 0, cancel);
        try
        {
            for (var i = 0; i < order.Count; i++)
            {
                using var frame = await next;
                next = FrameAsync(order, i + 1, cancel);
                await DecodeAsync(reading, order[i], frame, isChecked, cancel);
                reading.LetGo(order[i]);
            }
        }
        finally
        {
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (next.IsCompletedSuccessfully)
                (await next)?.Dispose();
        }
    }

    private async Task DecodeAsync(
        FamilyReading reading, ChunkRecord chunk, LentFrame? frame, bool isChecked, CancellationToken cancel)
    {
        try
        {
            Decode(reading, chunk, frame, isChecked);
        }
        catch (CorruptException error)
        {
            await StandInAsync(reading, chunk, error, cancel);
        }
    }

    private void Decode(FamilyReading reading, ChunkRecord chunk, LentFrame? frame, bool isChecked)
    {
        var sources = reading.SourcesOf(chunk);
        if (frame is null)
            throw new CorruptException($"chunk {chunk.Id} is missing");
        var plain = reading.MemoryOf(chunk);
        using var decoder = decoders.Take();
        if (isChecked || reading.IsWanted(chunk))
            decoder.Value.Decode(chunk.Id, frame.Span, plain.Span, sources);
        else
            decoder.Value.DecodeBase(chunk.Id, frame.Span, plain.Span, sources);
        Done(reading, chunk, BucketLayout.Chunk(chunk), frame.Length);
    }

    /// <summary>The same bytes may be in the bucket whole, saved by another run or before a full snapshot.</summary>
    private async Task StandInAsync(FamilyReading reading, ChunkRecord chunk, CorruptException error, CancellationToken cancel)
    {
        var whole = BucketLayout.Chunk(chunk.Id);
        using var frame = chunk.Base is null ? null : await LentFrame.TryReadAsync(store, buffers, whole, chunk.Length, cancel);
        try
        {
            if (frame is null)
                throw error;
            using var decoder = decoders.Take();
            decoder.Value.Decode(chunk.Id, frame.Span, reading.MemoryOf(chunk).Span, ChunkSources.None);
            Done(reading, chunk, whole, frame.Length);
        }
        catch (CorruptException)
        {
            reading.Damaged(chunk, error);
        }
    }

    private void Done(FamilyReading reading, ChunkRecord chunk, ObjectKey stored, int storedBytes)
    {
        reading.Done(chunk, storedBytes);
        if (reading.IsWanted(chunk))
            cache?.Put(chunk.Id, reading.MemoryOf(chunk).Span, chunk.Base, stored, storedBytes);
    }

    private async Task<LentFrame?> FrameAsync(IReadOnlyList<ChunkRecord> order, int index, CancellationToken cancel) =>
        index < order.Count
            ? await LentFrame.TryReadAsync(store, buffers, BucketLayout.Chunk(order[index]), order[index].Length, cancel)
            : null;
}
