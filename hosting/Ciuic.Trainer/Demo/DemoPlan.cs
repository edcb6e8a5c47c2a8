namespace Ciuic.Trainer;

/// <summary>What the demo does when. An epoch has 24 steps.</summary>
internal static class DemoPlan
{
    /// <summary>The run's name.</summary>
    public const string Run = "demo";

    /// <summary>Steps of the reference and of the killed run.</summary>
    public const long Steps = 60;

    /// <summary>Steps between two snapshots.</summary>
    public const long SaveEvery = 4;

    /// <summary>Small chunks, so that there is a middle of an upload.</summary>
    public const int ChunkBytes = 256 << 10;

    /// <summary>The snapshot that is rolled back to, by step.</summary>
    public const long RollbackTo = 28;

    /// <summary>Steps of the second branch's end.</summary>
    public const long SecondBranchSteps = 40;

    /// <summary>
    /// Where the trainer is killed: three times within the first epoch, once within the second, after which the run
    /// crosses an epoch boundary in each way.
    /// </summary>
    public static IReadOnlyList<HoldPoint> Kills { get; } =
    [
        new(HoldStage.Step, 10),
        new(HoldStage.Upload, 16),
        new(HoldStage.Commit, 20),
        new(HoldStage.Step, 35),
        new(HoldStage.Upload, 48),
    ];
}
