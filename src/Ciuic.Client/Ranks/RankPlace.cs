using System.Security.Cryptography;
using System.Text;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>This process among those that train a run together.</summary>
/// <param name="Rank">Its number.</param>
/// <param name="WorldSize">How many there are.</param>
/// <param name="Attempt">What they have in common, and no other start has.</param>
/// <param name="Process">What no other process has.</param>
internal sealed record RankPlace(Rank Rank, int WorldSize, Guid Attempt, Guid Process)
{
    /// <inheritdoc cref="OpenRequest.NameOutlivesStarts"/>
    public bool NameOutlivesStarts { get; init; }

    /// <summary>This process, as the run knows it.</summary>
    public RankProcess Member => new(Rank, Process);

    /// <summary>Whether there is no other.</summary>
    public bool IsAlone => WorldSize == 1;

    /// <summary>A process that trains alone.</summary>
    public static RankPlace Alone(Guid attempt) => new(new Rank(0), 1, attempt, attempt);

    /// <summary>Reads the settings and what a launcher has put into the environment.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="environment">A variable's value; null where it is not set.</param>
    /// <exception cref="InvalidInputException">They contradict each other, or something is missing.</exception>
    public static RankPlace Of(RankOptions options, Func<string, string?> environment)
    {
        var worldSize = options.WorldSize > 0 ? options.WorldSize : Read("WORLD_SIZE", environment, 1, 1);
        if (worldSize == 1)
            return Alone(Guid.CreateVersion7());
        var rank = options.Rank >= 0 ? options.Rank : Read("RANK", environment, null, 0);
        if (rank >= worldSize)
        {
            throw new InvalidInputException(
                $"There is no rank {rank} among {worldSize}: ranks count from 0. Check Ciuic:Ranks, RANK and WORLD_SIZE.");
        }

        return new RankPlace(new Rank(rank), worldSize, IdOf(NameOf(options, environment)), Guid.CreateVersion7())
        {
            NameOutlivesStarts = environment("TORCHELASTIC_RUN_ID") is not null,
        };
    }

    /// <summary>
    /// torchrun's restart count is no part of it: on several nodes, each counts the restarts that it has caused itself.
    /// </summary>
    private static string NameOf(RankOptions options, Func<string, string?> environment)
    {
        if (options.Attempt.Length > 0)
            return options.Attempt;
        // torchrun calls it "none" where nobody has named it: the next start would have the same name.
        if (environment("TORCHELASTIC_RUN_ID") is { Length: > 0 } run && run != "none")
            return $"torchelastic/{run}";
        if (environment("SLURM_JOB_ID") is { Length: > 0 } job)
            return $"slurm/{job}/{environment("SLURM_STEP_ID")}/{environment("SLURM_RESTART_COUNT")}";
        throw new InvalidInputException(
            "Several processes train this run together (WORLD_SIZE or Ciuic:Ranks:WorldSize): set Ciuic:Ranks:Attempt to a name that all "
            + "processes of this start have in common and no other start has, such as a job's number. torchrun --rdzv-id=NAME gives one. "
            + "Where one process saves alone for all, set Ciuic:Ranks:WorldSize to 1.");
    }

    private static Guid IdOf(string name) => new(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16));

    private static int Read(string name, Func<string, string?> environment, int? otherwise, int least)
    {
        if (environment(name) is not { Length: > 0 } text)
            return otherwise ?? throw new InvalidInputException($"Which rank this process is, is not said: set {name} or Ciuic:Ranks:Rank.");
        return int.TryParse(text, out var value) && value >= least && value <= Rank.MaxWorldSize
            ? value
            : throw new InvalidInputException($"The environment has {name}={text}; a number from {least} to {Rank.MaxWorldSize} is needed.");
    }
}
