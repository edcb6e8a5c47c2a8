using System.Globalization;
using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>What a training process says on standard output: for a person, or a line per fact for a program.</summary>
internal sealed class TrainOutput(bool machine)
{
    private const int PersonEvery = 10;

    public void Resumed(ResumeReport report)
    {
        if (!machine)
        {
            Console.WriteLine(report);
            return;
        }

        foreach (var damage in report.Damage)
            Console.WriteLine($"@damage {damage}");
        Console.WriteLine($"@resumed {report.Progress.Step}");
    }

    public void Step(long step, float loss, double learningRate)
    {
        if (machine)
            Console.WriteLine($"@loss {step} {BitConverter.SingleToUInt32Bits(loss):x8}");
        else if (step % PersonEvery == 0)
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"step {step,6}  loss {loss:0.0000}  learning rate {learningRate:0.000000}"));
    }

    public void Staged(SaveHandle save)
    {
        if (machine)
            Console.WriteLine($"@staged {save.Step} {save.Stall.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)} {save.Bytes}");
        if (machine)
            _ = AnnounceAsync(save);
        foreach (var error in save.EarlierErrors)
            Console.WriteLine($"an earlier save failed: {error.Message}");
    }

    private static async Task AnnounceAsync(SaveHandle save)
    {
        try
        {
            var link = await save.Committed;
            Console.WriteLine($"@committed {save.Step} {link.Sequence} {link.Manifest}");
        }
        catch (CiuicException error)
        {
            Console.WriteLine($"@failed {save.Step} {error.Message}");
        }
    }

    public void Holding(HoldPoint point) => Console.WriteLine($"@hold {point}");
}
