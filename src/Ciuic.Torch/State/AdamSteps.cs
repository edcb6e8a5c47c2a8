using Ciuic.Snapshots;
using TorchSharp;
using TorchSharp.Modules;

namespace Ciuic.Torch;

/// <summary>What Adam and AdamW did last to each parameter; nothing for other optimizers and for variants of these two.</summary>
internal static class AdamSteps
{
    public static IReadOnlyList<AdamStep> Of(OptimizerHelper optimizer)
    {
        var states = optimizer.state_dict().State;
        var parameters = optimizer.ParamGroups
            .OfType<ParamGroup>()
            .SelectMany(group => group.Parameters.Select(parameter => (group.Options, parameter)))
            .ToList();
        return parameters.Count != states.Count
            ? []
            : [.. parameters.Zip(states, (p, state) => (p.Options, p.parameter, state)).Select((p, i) => Of(i, p)).OfType<AdamStep>()];
    }

    private static AdamStep? Of(int index, (OptimizerOptions Options, Parameter Parameter, OptimizerState State) of) => of switch
    {
        { Options: AdamW.Options { amsgrad: not true } o, State: AdamW.State { step: > 0 } s } => Step(
            index, of.Parameter, s.step, o, o.beta1, o.beta2, o.eps, o.weight_decay ?? 0),
        { Options: Adam.Options { amsgrad: not true } o, State: Adam.State { step: > 0 } s } => Step(
            index, of.Parameter, s.step, o, o.beta1, o.beta2, o.eps, 0),
        _ => null,
    };

    private static AdamStep? Step(
        int index, Parameter parameter, long step, OptimizerOptions options, double? beta1, double? beta2, double? epsilon, double decay) =>
        options.LearningRate is { } rate && beta1 is { } b1 && beta2 is { } b2 && epsilon is { } e
            ? new AdamStep(parameter, $"{index}.exp_avg", $"{index}.exp_avg_sq", step, rate, b1, b2, e, decay)
            : null;
}
