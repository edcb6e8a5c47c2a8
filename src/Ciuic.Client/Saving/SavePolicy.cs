namespace Ciuic.Client;

/// <summary>Decides when to save: any condition is enough.</summary>
internal sealed class SavePolicy(SaveOptions options, TimeProvider time)
{
    private long _lastSave = time.GetTimestamp();

    public bool IsDue(long step, bool endOfEpoch) =>
        (options.EverySteps > 0 && step > 0 && step % options.EverySteps == 0)
        || (options.EveryEpoch && endOfEpoch)
        || (options.EveryTime > TimeSpan.Zero && time.GetElapsedTime(_lastSave) >= options.EveryTime);

    public void MarkSaved() => _lastSave = time.GetTimestamp();
}
