using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ciuic.Trainer;

/// <summary>A decoder-only transformer. Token ids [batch, time] in, logits [batch, time, vocabulary] out.</summary>
internal sealed class Gpt : nn.Module<Tensor, Tensor>
{
    private readonly Embedding _tokens;
    private readonly Embedding _positions;
    private readonly Dropout _dropout;
    private readonly Sequential _blocks;
    private readonly LayerNorm _norm;
    private readonly Linear _head;

    public Gpt(GptOptions options)
        : base(nameof(Gpt))
    {
        _tokens = nn.Embedding(options.Vocabulary, options.Width);
        _positions = nn.Embedding(options.Context, options.Width);
        _dropout = nn.Dropout(options.Dropout);
        _blocks = nn.Sequential(Enumerable.Range(0, options.Layers)
            .Select(i => ($"{i}", (nn.Module<Tensor, Tensor>)new TransformerBlock(options))));
        _norm = nn.LayerNorm(options.Width);
        _head = nn.Linear(options.Width, options.Vocabulary, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var places = arange(tokens.shape[1], dtype: ScalarType.Int64);
        var embedded = _dropout.forward(_tokens.forward(tokens) + _positions.forward(places));
        return _head.forward(_norm.forward(_blocks.forward(embedded))).MoveToOuterDisposeScope();
    }
}
