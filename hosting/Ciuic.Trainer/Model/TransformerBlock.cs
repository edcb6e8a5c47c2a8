using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ciuic.Trainer;

/// <summary>Attention, then a feed-forward network, each behind a layer norm and added to its input.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>
{
    private readonly LayerNorm _beforeAttention;
    private readonly CausalSelfAttention _attention;
    private readonly LayerNorm _beforeFeedForward;
    private readonly Sequential _feedForward;

    public TransformerBlock(GptOptions options)
        : base(nameof(TransformerBlock))
    {
        _beforeAttention = nn.LayerNorm(options.Width);
        _attention = new CausalSelfAttention(options);
        _beforeFeedForward = nn.LayerNorm(options.Width);
        _feedForward = nn.Sequential(
            nn.Linear(options.Width, 4 * options.Width),
            nn.GELU(),
            nn.Linear(4 * options.Width, options.Width),
            nn.Dropout(options.Dropout));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var attended = input + _attention.forward(_beforeAttention.forward(input));
        var result = attended + _feedForward.forward(_beforeFeedForward.forward(attended));
        return result.MoveToOuterDisposeScope();
    }
}
