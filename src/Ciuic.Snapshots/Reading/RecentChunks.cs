namespace Ciuic.Snapshots;

/// <summary>
/// The chunks of a snapshot that were read last, unpacked and checked: the next record lies in the same one more often than not, and a
/// chunk that two readers want at once is read for both. Thread-safe.
/// </summary>
/// <param name="most">Chunks kept; those that are in use are beside them.</param>
internal sealed class RecentChunks(int most)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _inOrder = []; // the one used last is the last one

    /// <summary>Begins to read a chunk that will be asked for.</summary>
    public void Start(StreamedShard shard, int index)
    {
        lock (_lock)
        {
            if (Find(shard, index) is null)
                Trim(_inOrder.AddLast(Entry.Of(shard, index)));
        }
    }

    /// <summary>A chunk's bytes, until what is returned is disposed. Waits for them on the caller's thread, which may be a trainer's.</summary>
    public Taken Take(StreamedShard shard, int index)
    {
        var entry = Use(shard, index);
        try
        {
            return new Taken(this, entry, entry.Reading.GetAwaiter().GetResult().Memory);
        }
        catch
        {
            Forget(entry); // whoever asks again shall have it read again
            throw;
        }
    }

    private Entry Use(StreamedShard shard, int index)
    {
        lock (_lock)
        {
            var node = Find(shard, index);
            if (node is null)
                node = new LinkedListNode<Entry>(Entry.Of(shard, index));
            else
                _inOrder.Remove(node);
            _inOrder.AddLast(node);
            node.Value.Users++;
            Trim(node);
            return node.Value;
        }
    }

    private void Return(Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Users == 0 && entry.IsGone)
                entry.GiveBack();
        }
    }

    private void Forget(Entry entry)
    {
        lock (_lock)
        {
            entry.Users--;
            entry.IsGone = true; // its memory was given back by the reading that failed
            _inOrder.Remove(entry);
        }
    }

    /// <summary>Lets go what was not used for longest; not the newest, which is about to be.</summary>
    private void Trim(LinkedListNode<Entry> newest)
    {
        while (_inOrder.Count > most && _inOrder.First is { } oldest && oldest != newest)
        {
            _inOrder.RemoveFirst();
            oldest.Value.IsGone = true;
            if (oldest.Value.Users == 0)
                oldest.Value.GiveBack();
        }
    }

    private LinkedListNode<Entry>? Find(StreamedShard shard, int index)
    {
        for (var node = _inOrder.Last; node is not null; node = node.Previous)
        {
            if (node.Value.Index == index && node.Value.Shard == shard)
                return node;
        }

        return null;
    }

    /// <summary>A chunk in use.</summary>
    internal readonly struct Taken(RecentChunks from, Entry entry, ReadOnlyMemory<byte> plain) : IDisposable
    {
        public ReadOnlyMemory<byte> Plain => plain;

        public void Dispose() => from.Return(entry);
    }

    internal sealed class Entry(StreamedShard shard, int index, Task<BufferPool.Loan> reading)
    {
        public StreamedShard Shard => shard;

        public int Index => index;

        public Task<BufferPool.Loan> Reading => reading;

        public int Users { get; set; }

        public bool IsGone { get; set; }

        public static Entry Of(StreamedShard shard, int index) => new(shard, index, Task.Run(() => shard.ReadAsync(index)));

        /// <summary>One that is still being read gives its memory back when it is there.</summary>
        public void GiveBack() => reading.ContinueWith(
            r => r.Result.Dispose(),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
