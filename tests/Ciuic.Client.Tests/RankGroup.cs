using System.Security.Cryptography;
using System.Text;
using Ciuic.Client;
using Ciuic.Core;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>The ranks of one attempt, in one process; they share nothing but the cluster.</summary>
internal sealed class RankGroup : IAsyncDisposable
{
    public List<TrainingRun> Runs { get; } = [];

    public List<RankModel> Models { get; } = [];

    public static async Task<RankGroup> OpenAsync(TestChain chain, string run, int worldSize, string attempt, int[]? ranks = null)
    {
        var group = new RankGroup();
        try
        {
            foreach (var rank in ranks ?? [.. Enumerable.Range(0, worldSize)])
            {
                var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(attempt)).AsSpan(0, 16));
                var place = worldSize == 1 ? RankPlace.Alone(id) : new RankPlace(new Rank(rank), worldSize, id, Guid.NewGuid());
                group.Runs.Add(await chain.OpenAsync(run, place));
                group.Models.Add(new RankModel(rank, worldSize));
                group.Models[^1].TrackIn(group.Runs[^1]);
            }
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }

        return group;
    }

    public Task<ResumeReport[]> ResumeAsync() => Task.WhenAll(Runs.Select(r => Task.Run(() => r.ResumeAsync()))).WaitAsync(Soon);

    public Task<SaveHandle[]> BeginSaveAsync(long step) =>
        Task.WhenAll(Runs.Select(r => Task.Run(() => r.SaveAsync(new TrainingProgress(step, 0, 0)))));

    /// <summary>Saves on all ranks; the answer is what all of them were told.</summary>
    public async Task<SnapshotLink> SaveAsync(long step)
    {
        var links = new List<SnapshotLink>();
        foreach (var save in await BeginSaveAsync(step))
            links.Add(await save.Committed.WaitAsync(Soon));
        return links.Distinct().Single();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var run in Runs)
            await run.DisposeAsync();
    }
}
