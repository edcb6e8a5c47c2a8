namespace Ciuic.Snapshots;

/// <summary>Counts what an upload has done, from several threads.</summary>
internal sealed class UploadTally(StagingPlan plan, Action<UploadProgress> progress)
{
    private readonly long _total = plan.Length;
    private readonly Lock _lock = new();
    private readonly bool[] _isCounted = new bool[plan.Chunks.Count];
    private long _doneBytes;
    private int _doneChunks;

    public long WrittenBytes { get; private set; }

    public int WrittenChunks { get; private set; }

    public int RepairedChunks { get; private set; }

    /// <summary>Counts a chunk; one that is tried again after a failure is done once.</summary>
    public void Count(int chunk, ChunkWrite write, int plain)
    {
        UploadProgress now;
        lock (_lock)
        {
            if (_isCounted[chunk])
                return;
            _isCounted[chunk] = true;
            WrittenBytes += write.Bytes;
            WrittenChunks += write.How == ChunkStored.Written ? 1 : 0;
            RepairedChunks += write.How == ChunkStored.Repaired ? 1 : 0;
            _doneBytes += plain;
            now = new UploadProgress(_doneBytes, _total, ++_doneChunks, plan.Chunks.Count);
        }

        progress(now);
    }
}
