using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>The memory an audit needs, so far after each tenfold number of blocks.</summary>
internal sealed class MemoryPeak
{
    private const int Every = 1_000;

    private long _managed;

    /// <summary>Managed bytes before the audit.</summary>
    public long Start { get; } = GC.GetTotalMemory(forceFullCollection: true);

    /// <summary>Peak of managed bytes up to a number of blocks.</summary>
    public SortedDictionary<long, long> Managed { get; } = [];

    /// <summary>Peak of the process's resident bytes.</summary>
    public long Resident { get; private set; }

    public void Watch(AuditProgress progress)
    {
        if (progress.Stage != "blocks" || progress.Done % Every != 0)
            return;
        _managed = Math.Max(_managed, GC.GetTotalMemory(forceFullCollection: false));
        Resident = Math.Max(Resident, Environment.WorkingSet);
        var part = (long)Math.Pow(10, Math.Ceiling(Math.Log10(progress.Done)));
        Managed[part] = _managed;
    }
}
