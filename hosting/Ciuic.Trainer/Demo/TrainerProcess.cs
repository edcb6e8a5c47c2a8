using System.Globalization;
using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>What one training process said.</summary>
internal sealed class TrainingFacts
{
    /// <summary>The step it went on from; null when it neither resumed nor started afresh.</summary>
    public long? ResumedFrom { get; set; }

    /// <summary>Losses by step, as the bits of a float32.</summary>
    public Dictionary<long, uint> Losses { get; } = [];

    /// <summary>Damage it named.</summary>
    public List<string> Damage { get; } = [];

    /// <summary>How long each save held the trainer up, in milliseconds.</summary>
    public List<double> Stalls { get; } = [];

    /// <summary>Whether it was killed where it was to be.</summary>
    public bool Killed { get; set; }

    /// <summary>Its last lines that were no facts: errors.</summary>
    public Queue<string> Chatter { get; } = [];
}

/// <summary>Runs <c>train</c> in a child process and kills it where it holds.</summary>
internal sealed class TrainerProcess(DemoPlace place, string? text)
{
    private const int KeptLines = 20;

    /// <summary>Trains without Ciuic: the reference.</summary>
    public Task<TrainingFacts> TrainReferenceAsync(long steps, Action<long> onStep, CancellationToken cancel) =>
        RunAsync(["--no-save", "--steps", Number(steps)], null, onStep, cancel);

    /// <summary>Trains and saves; killed by SIGKILL when it announces that it holds.</summary>
    public Task<TrainingFacts> TrainAsync(
        long steps, HoldPoint? hold, Action<long> onStep, CancellationToken cancel) =>
        RunAsync(
            [
                "--run", DemoPlan.Run, "--steps", Number(steps),
                .. place.ClientSettings,
                "--set", $"Ciuic:Save:EverySteps={DemoPlan.SaveEvery}",
                "--set", $"Ciuic:Save:ChunkBytes={DemoPlan.ChunkBytes}",
            ],
            hold,
            onStep,
            cancel);

    private async Task<TrainingFacts> RunAsync(
        IEnumerable<string> arguments, HoldPoint? hold, Action<long> onStep, CancellationToken cancel)
    {
        var facts = new TrainingFacts();
        var all = new List<string> { "train", "--machine" };
        all.AddRange(arguments);
        if (text is not null)
            all.AddRange(["--text", text]);
        if (hold is not null)
            all.AddRange(["--hold", hold.ToString()]);
        ChildProcess? child = null;
        var started = new TaskCompletionSource();
        await using (child = ChildProcess.Start(ProgramFile.Self, all, line => OnLine(line)))
        {
            started.SetResult();
            var code = await child.WaitAsync(cancel);
            if (code != ExitCode.Ok && !facts.Killed)
            {
                throw new UnavailableException(
                    $"A training process ended with code {code}:\n{string.Join('\n', facts.Chatter)}");
            }
        }

        return facts;

        void OnLine(string line)
        {
            lock (facts)
            {
                if (line.StartsWith("@hold", StringComparison.Ordinal))
                {
                    started.Task.Wait(cancel);
                    facts.Killed = true;
                    child!.Kill();
                }
                else
                {
                    Take(facts, line, onStep);
                }
            }
        }
    }

    private static void Take(TrainingFacts facts, string line, Action<long> onStep)
    {
        var words = line.Split(' ');
        switch (words[0])
        {
            case "@loss":
                facts.Losses[long.Parse(words[1], CultureInfo.InvariantCulture)] =
                    uint.Parse(words[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                onStep(long.Parse(words[1], CultureInfo.InvariantCulture));
                break;
            case "@resumed":
                facts.ResumedFrom = long.Parse(words[1], CultureInfo.InvariantCulture);
                break;
            case "@damage":
                facts.Damage.Add(line["@damage ".Length..]);
                break;
            case "@staged":
                facts.Stalls.Add(double.Parse(words[2], CultureInfo.InvariantCulture));
                break;
            default:
                facts.Chatter.Enqueue(line);
                if (facts.Chatter.Count > KeptLines)
                    facts.Chatter.Dequeue();
                break;
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
