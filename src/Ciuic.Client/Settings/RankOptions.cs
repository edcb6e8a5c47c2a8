using System.ComponentModel.DataAnnotations;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// Section <c>Ciuic:Ranks</c>: this process among those that train a run together. torchrun and Slurm say all of it in the
/// environment.
/// </summary>
public sealed class RankOptions
{
    /// <summary>This process, from 0; -1: what RANK says in the environment, or 0. Default -1.</summary>
    [Range(-1, Core.Rank.MaxWorldSize - 1)]
    public int Rank { get; set; } = -1;

    /// <summary>
    /// How many processes save together; 0: what WORLD_SIZE says in the environment, or 1. 1 where a process saves alone for all.
    /// Default 0.
    /// </summary>
    [Range(0, Core.Rank.MaxWorldSize)]
    public int WorldSize { get; set; }

    /// <summary>
    /// A name that all processes of one start have in common and that no other start has, unless torchrun starts them again. Empty:
    /// torchrun's run id, or Slurm's job, step and restart count. Needed where several processes save together.
    /// </summary>
    public string Attempt { get; set; } = "";

    /// <summary>
    /// How long the processes wait for one another when they resume: they train once all have restored the same snapshot. 1 second to
    /// 1 day; default 10 minutes.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Patience { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>These, and of others what these leave to the environment.</summary>
    internal RankOptions Or(RankOptions others) => new()
    {
        Rank = Rank >= 0 ? Rank : others.Rank,
        WorldSize = WorldSize > 0 ? WorldSize : others.WorldSize,
        Attempt = Attempt.Length > 0 ? Attempt : others.Attempt,
        Patience = Patience,
    };
}
