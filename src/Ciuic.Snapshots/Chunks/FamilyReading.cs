using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>How far the reading of one family is: what lies where, who still needs it, what is damaged.</summary>
internal sealed class FamilyReading : IDisposable
{
    private readonly ChunkFamily _family;
    private readonly Func<ChunkRecord, Memory<byte>>? _target;
    private readonly BufferPool _buffers;
    private readonly Dictionary<ChunkId, Memory<byte>> _plain = [];
    private readonly Dictionary<ChunkId, Memory<byte>> _targets = [];
    private readonly Dictionary<ChunkId, BufferPool.Loan> _lent = [];
    private readonly Dictionary<ChunkId, int> _needs = [];
    private readonly Dictionary<ChunkId, CorruptException> _damage = [];
    private readonly Dictionary<ChunkId, ChunkOutcome> _outcomes = [];

    /// <param name="family">The chunks.</param>
    /// <param name="target">Gives the memory of a wanted chunk; null where its bytes are of no use once they are checked.</param>
    /// <param name="known">Gives the plain bytes of a chunk that need not be read.</param>
    /// <param name="buffers">Lend memory for what nobody has given any.</param>
    public FamilyReading(
        ChunkFamily family, Func<ChunkRecord, Memory<byte>>? target, Func<ChunkId, byte[]?> known, BufferPool buffers)
    {
        (_family, _target, _buffers) = (family, target, buffers);
        Order = Needed(known);
        foreach (var source in Order.SelectMany(c => c.Sources))
            _needs[source] = _needs.GetValueOrDefault(source) + 1;
    }

    /// <summary>The chunks that must be read, in order.</summary>
    public List<ChunkRecord> Order { get; }

    /// <summary>What became of the wanted chunks so far.</summary>
    public IReadOnlyDictionary<ChunkId, ChunkOutcome> Outcomes => _outcomes;

    /// <summary>Whether a wanted chunk could not be read.</summary>
    public bool HasDamage => _outcomes.Values.Any(o => o.Damage is not null);

    public bool IsWanted(ChunkRecord chunk) => _family.Wanted.Contains(chunk.Id);

    /// <summary>The memory that a wanted chunk was or is to be given.</summary>
    public Memory<byte> Target(ChunkRecord chunk) =>
        _targets.TryGetValue(chunk.Id, out var given) ? given : _targets[chunk.Id] = _target!(chunk);

    /// <summary>Where a chunk's bytes go.</summary>
    public Memory<byte> MemoryOf(ChunkRecord chunk)
    {
        if (_target is not null && IsWanted(chunk))
            return Target(chunk);
        if (!_lent.TryGetValue(chunk.Id, out var lent))
            _lent[chunk.Id] = lent = _buffers.Take(chunk.Length);
        return lent.Memory;
    }

    /// <summary>What a chunk is stored with.</summary>
    /// <exception cref="CorruptException">One of them could not be read.</exception>
    public ChunkSources SourcesOf(ChunkRecord chunk) =>
        new(Source(chunk, chunk.Base), Source(chunk, chunk.Input1), Source(chunk, chunk.Input2));

    /// <summary>A chunk's bytes are in its memory.</summary>
    public void Done(ChunkRecord chunk, int storedBytes)
    {
        _plain[chunk.Id] = MemoryOf(chunk);
        if (IsWanted(chunk))
            _outcomes[chunk.Id] = new ChunkOutcome(storedBytes, null);
    }

    /// <summary>A chunk cannot be read.</summary>
    public void Damaged(ChunkRecord chunk, CorruptException why)
    {
        _damage[chunk.Id] = why;
        if (IsWanted(chunk))
            _outcomes[chunk.Id] = new ChunkOutcome(0, why);
    }

    /// <summary>Gives back what only this chunk still needed, and its own memory where nothing needs it.</summary>
    public void LetGo(ChunkRecord chunk)
    {
        foreach (var source in chunk.Sources)
        {
            if (--_needs[source] == 0)
                Return(source);
        }

        if (!_needs.ContainsKey(chunk.Id))
            Return(chunk.Id);
    }

    public void Dispose()
    {
        foreach (var lent in _lent.Values)
            lent.Dispose();
        _lent.Clear();
    }

    private void Return(ChunkId chunk)
    {
        if (!_lent.Remove(chunk, out var lent))
            return;
        _plain.Remove(chunk);
        lent.Dispose();
    }

    private ChunkBase Source(ChunkRecord chunk, ChunkId? source)
    {
        if (source is not { } id)
            return ChunkBase.None;
        if (_plain.TryGetValue(id, out var plain))
            return new ChunkBase(id, plain.Span);
        var why = _damage[id].Message;
        throw new CorruptException(why.Contains("which chunk", StringComparison.Ordinal) ? why : $"{why} (which chunk {chunk.Id} needs)");
    }

    /// <summary>Where a base is at hand, what lies below it need not be read.</summary>
    private List<ChunkRecord> Needed(Func<ChunkId, byte[]?> known)
    {
        var needed = new HashSet<ChunkId>(_family.Wanted);
        var order = new List<ChunkRecord>();
        foreach (var chunk in _family.Order.Reverse().Where(c => needed.Contains(c.Id)))
        {
            if (!IsWanted(chunk) && known(chunk.Id) is { } plain && plain.Length == chunk.Length)
            {
                _plain[chunk.Id] = plain;
                continue;
            }

            order.Add(chunk);
            needed.UnionWith(chunk.Sources);
        }

        order.Reverse();
        return order;
    }
}
