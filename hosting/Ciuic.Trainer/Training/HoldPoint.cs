using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>What the trainer is in the middle of when it holds.</summary>
internal enum HoldStage
{
    /// <summary>Between forward and backward pass.</summary>
    Step = 1,

    /// <summary>Between two chunks of an upload.</summary>
    Upload,

    /// <summary>Between the completion of its shard and the commit.</summary>
    Commit,
}

/// <summary>
/// Where the trainer announces itself and stands still until somebody kills it, so that a kill hits exactly there.
/// </summary>
internal sealed record HoldPoint(HoldStage Stage, long Step)
{
    public static HoldPoint Parse(string text)
    {
        var parts = text.Split(':');
        return parts.Length == 2
            && Enum.TryParse<HoldStage>(parts[0], ignoreCase: true, out var stage)
            && Decimal64.TryParse(parts[1], out var step)
            ? new HoldPoint(stage, step)
            : throw new InvalidInputException($"--hold: '{text}' is not step:N, upload:N or commit:N.");
    }

    /// <summary>Whether a save's progress has reached the point.</summary>
    public bool IsReached(SaveProgress progress) => progress.Step == Step && Stage switch
    {
        HoldStage.Upload => progress.Stage == SaveStage.Uploading && progress.DoneChunks < progress.TotalChunks,
        HoldStage.Commit => progress.Stage == SaveStage.ShardCompleted,
        _ => false,
    };

    public override string ToString() => $"{Stage.ToString().ToLowerInvariant()}:{Step}";
}
