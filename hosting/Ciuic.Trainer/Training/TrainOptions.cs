namespace Ciuic.Trainer;

/// <summary>One start of the trainer.</summary>
internal sealed record TrainOptions
{
    /// <summary>The run's name.</summary>
    public required string Run { get; init; }

    /// <summary>Train until this step.</summary>
    public required long Steps { get; init; }

    /// <summary>Seed of the initialisation, of dropout and of the order of samples.</summary>
    public required int Seed { get; init; }

    /// <summary>The text to train on; null for the repository's own.</summary>
    public required string? Text { get; init; }

    /// <summary>Train without saving or resuming.</summary>
    public required bool NoSave { get; init; }

    /// <summary>Where to stand still until killed, such as <c>upload:16</c>; null for nowhere.</summary>
    public required HoldPoint? Hold { get; init; }

    /// <summary>Print lines for a program instead of for a person.</summary>
    public required bool Machine { get; init; }
}
