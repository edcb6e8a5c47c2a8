using System.Collections.Concurrent;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>The one place where saves come to an end: tells their handles, the log, the listener, and the next save.</summary>
internal sealed class SaveOutcomes(RunId run, SaveBases bases, Movement moves, Action<SaveProgress> progress, ILogger logger)
{
    private readonly ConcurrentQueue<Exception> _errors = [];

    /// <summary>A save that has failed: what it has stored is not to be built upon.</summary>
    public void Fail(SaveHandle handle, Exception error)
    {
        bases.Distrust();
        Drop(handle, error);
    }

    /// <summary>A save that nobody waits for any more; nothing is wrong with what it has stored.</summary>
    public void Drop(SaveHandle handle, Exception error)
    {
        if (handle.Committed.IsCompleted)
            return; // it was kept on this machine before
        _errors.Enqueue(error);
        logger.SaveFailed(run, handle.Step, error.Message);
        handle.Fail(error);
        Report(handle, SaveStage.Failed);
    }

    /// <summary>A save that is on this machine, or could not even be kept there.</summary>
    public void Keep(SaveHandle handle, KeptSave kept)
    {
        if (!kept.IsKept)
            Drop(handle, new UnavailableException(kept.Message));
        else if (handle.Spool(kept.Message))
            Report(handle, SaveStage.Spooled);
    }

    /// <summary>Tells how far a save is.</summary>
    public void Report(SaveHandle handle, SaveStage stage)
    {
        if (stage != SaveStage.Failed)
            moves.Mark();
        progress(SaveProgress.At(handle.Step, stage, handle.Bytes, handle.Chunks));
    }

    /// <summary>What went wrong since this was asked before.</summary>
    public List<Exception> TakeErrors()
    {
        var errors = new List<Exception>();
        while (_errors.TryDequeue(out var error))
            errors.Add(error);
        return errors;
    }
}
