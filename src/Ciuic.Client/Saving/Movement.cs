namespace Ciuic.Client;

/// <summary>When saves last came closer to their end: whoever waits for them waits as long as they move.</summary>
internal sealed class Movement(TimeProvider time)
{
    private long _last = time.GetTimestamp();
    private long _count;

    /// <summary>How often something has moved; another number means that something has.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>How long nothing has.</summary>
    public TimeSpan Still => time.GetElapsedTime(Interlocked.Read(ref _last));

    /// <summary>Something has moved: a chunk is stored, the cluster has answered, a save is at its end.</summary>
    public void Mark()
    {
        Interlocked.Exchange(ref _last, time.GetTimestamp());
        Interlocked.Increment(ref _count);
    }
}
