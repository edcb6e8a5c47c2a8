using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ciuic.Trainer;

/// <summary>Attention in which a token sees itself and those before it. [batch, time, width] in and out.</summary>
internal sealed class CausalSelfAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;
    private readonly double _dropoutRate;
    private readonly Linear _projectIn;
    private readonly Linear _projectOut;
    private readonly Dropout _dropout;

    public CausalSelfAttention(GptOptions options)
        : base(nameof(CausalSelfAttention))
    {
        _heads = options.Heads;
        _dropoutRate = options.Dropout;
        _projectIn = nn.Linear(options.Width, 3 * options.Width);
        _projectOut = nn.Linear(options.Width, options.Width);
        _dropout = nn.Dropout(options.Dropout);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var (batch, time, width) = (input.shape[0], input.shape[1], input.shape[2]);
        var parts = _projectIn.forward(input).view(batch, time, 3, _heads, width / _heads).permute(2, 0, 3, 1, 4);
        var mixed = nn.functional.scaled_dot_product_attention(
            parts[0], parts[1], parts[2], null, training ? _dropoutRate : 0, true);
        var merged = mixed.transpose(1, 2).contiguous().view(batch, time, width);
        return _dropout.forward(_projectOut.forward(merged)).MoveToOuterDisposeScope();
    }
}
