namespace Ciuic.Storage;

/// <summary>
/// Which way of writing is faster here: measured on the writes themselves, the other way tried again once in a while, because
/// disks change with what else goes on. Thread-safe; numbers lost in a race are measured again.
/// </summary>
internal sealed class WriteChoice(DirectWrites mode)
{
    /// <summary>
    /// The page cache keeps what it wrote for whoever verifies it on this machine; a direct write must be faster by more than
    /// that is worth.
    /// </summary>
    private const double Margin = 1.25;

    private const int TryEvery = 32;
    private const double Newest = 0.2;

    private int _writes = -1;
    private double _cached;
    private double _direct;

    /// <summary>Whether the next large object is written directly.</summary>
    public bool NextIsDirect() => mode switch
    {
        DirectWrites.On => true,
        DirectWrites.Off => false,
        _ => IsFaster() != (Interlocked.Increment(ref _writes) % TryEvery == 0),
    };

    /// <summary>Tells how long one took.</summary>
    public void Took(bool direct, TimeSpan time, int bytes)
    {
        ref var average = ref direct ? ref _direct : ref _cached;
        var now = time.TotalSeconds / bytes;
        average = average == 0 ? now : ((1 - Newest) * average) + (Newest * now);
    }

    private bool IsFaster() => _direct > 0 && _cached > _direct * Margin;
}
