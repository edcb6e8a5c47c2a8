using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// What the next save is stored from: the one before, unless a save has failed since, because what made it fail may be one of
/// its chunks. A save that is being uploaded meanwhile may be built on that chunk, and must not be built upon.
/// </summary>
internal sealed class SaveBases(StagingBuffers buffers, ShardUploader uploader)
{
    private readonly Lock _lock = new();
    private int _distrust;

    /// <summary>A save begins to be uploaded; the answer is what <see cref="ContinueFrom(DeltaBases, int, StagingArena)"/> asks for.</summary>
    /// <param name="keepsContent">Whether the bytes of the one before are in memory still.</param>
    public int Begin(bool keepsContent)
    {
        lock (_lock)
        {
            if (!keepsContent)
                uploader.ForgetContent();
            return _distrust;
        }
    }

    /// <summary>A save has failed: ask the bucket again next time.</summary>
    public void Distrust()
    {
        lock (_lock)
        {
            _distrust++;
            uploader.ForgetKnown();
        }
    }

    /// <summary>A save was uploaded.</summary>
    /// <param name="before">Its chunks.</param>
    /// <param name="begun">What <see cref="Begin"/> answered.</param>
    /// <param name="keeps">Holds its bytes; null where nothing does.</param>
    public void ContinueFrom(DeltaBases before, int begun, StagingArena? keeps)
    {
        lock (_lock)
        {
            if (begun != _distrust)
                return;
            if (keeps is not null)
                buffers.Keep(keeps);
            uploader.ContinueFrom(before);
        }
    }

    /// <summary>A snapshot was restored.</summary>
    public void ContinueFrom(LoadedShard restored) => ContinueFrom(DeltaBases.Of(restored), _distrust, restored.Arena);
}
