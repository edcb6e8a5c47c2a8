namespace Ciuic.Trainer;

/// <summary>A GPT over bytes; small enough to train while one watches.</summary>
internal sealed record GptOptions
{
    /// <summary>Tokens: every byte is one.</summary>
    public int Vocabulary { get; init; } = 256;

    /// <summary>Tokens a prediction can look back on.</summary>
    public int Context { get; init; } = 64;

    /// <summary>Width of the residual stream.</summary>
    public int Width { get; init; } = 96;

    /// <summary>Attention heads; must divide the width.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Blocks of attention and feed-forward.</summary>
    public int Layers { get; init; } = 3;

    /// <summary>Probability that an activation is dropped while training.</summary>
    public double Dropout { get; init; } = 0.1;
}
