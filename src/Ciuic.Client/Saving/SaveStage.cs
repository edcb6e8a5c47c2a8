namespace Ciuic.Client;

/// <summary>Where a save is.</summary>
public enum SaveStage
{
    /// <summary>Copied aside; the trainer goes on.</summary>
    Staged = 1,

    /// <summary>Hashing and storing chunks.</summary>
    Uploading,

    /// <summary>All chunks are stored; waiting for the cluster.</summary>
    Uploaded,

    /// <summary>This rank's shard is complete; verification and commit follow.</summary>
    ShardCompleted,

    /// <summary>Verified and in the ledger.</summary>
    Committed,

    /// <summary>Will never be committed.</summary>
    Failed,

    /// <summary>Kept on this machine, not committed: the next start of the run commits it.</summary>
    Spooled,
}

/// <summary>How far a save is; told to <see cref="TrainingRun.OnSaveProgress"/>.</summary>
/// <param name="Step">The step that is saved.</param>
/// <param name="Stage">What happens.</param>
/// <param name="DoneBytes">Plain bytes hashed and stored.</param>
/// <param name="TotalBytes">Plain bytes of the shard.</param>
/// <param name="DoneChunks">Chunks hashed and stored.</param>
/// <param name="TotalChunks">Chunks of the shard.</param>
/// <param name="Elapsed">Since the upload began; zero in other stages.</param>
public readonly record struct SaveProgress(
    long Step, SaveStage Stage, long DoneBytes, long TotalBytes, int DoneChunks, int TotalChunks, TimeSpan Elapsed)
{
    /// <summary>Plain bytes hashed and stored in a second; 0 while nothing is known.</summary>
    public double BytesPerSecond => Elapsed > TimeSpan.Zero ? DoneBytes / Elapsed.TotalSeconds : 0;

    /// <summary>A save at a stage: nothing is stored before it is uploaded, and everything is from then on.</summary>
    internal static SaveProgress At(long step, SaveStage stage, long bytes, int chunks)
    {
        var isStored = stage is SaveStage.Uploaded or SaveStage.ShardCompleted or SaveStage.Committed;
        return new SaveProgress(step, stage, isStored ? bytes : 0, bytes, isStored ? chunks : 0, chunks, TimeSpan.Zero);
    }

    /// <summary>How long the upload will still take at this rate; null while nothing is known.</summary>
    public TimeSpan? Remaining => BytesPerSecond > 0 ? TimeSpan.FromSeconds((TotalBytes - DoneBytes) / BytesPerSecond) : null;
}
