using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>Chains that keep saves in a folder while the bucket takes none.</summary>
public abstract class SpoolFixture(CiuicCluster cluster) : IClassFixture<CiuicCluster>, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _refused;

    private protected CiuicCluster Cluster => cluster;

    private protected string Folder => _folder.Path;

    /// <summary>How often the bucket was asked in vain to take something.</summary>
    private protected int Refused => _refused;

    public void Dispose()
    {
        Cluster.Store.Unwritable = null;
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected TestChain NewChain()
    {
        var chain = new TestChain(Cluster);
        (chain.Save.SpoolDirectory, chain.Save.SpoolAfter, chain.Save.ChunkBytes) = (Folder, TimeSpan.Zero, 64 << 10);
        return chain;
    }

    private protected async Task KeepAsync(TrainingRun run, TrackedArray model, params long[] steps)
    {
        foreach (var step in steps)
            await KeepOneAsync(run, model, step, content: step);
    }

    private protected async Task KeepOneAsync(TrainingRun run, TrackedArray model, long step, long content)
    {
        Cluster.Store.Unwritable = Refuse;
        model.Train(content);
        var save = await run.SaveAsync(new TrainingProgress(step, 1, 5));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => save.Committed.WaitAsync(TestChain.Soon));
        Assert.Contains("NOT COMMITTED", error.Message);
    }

    private bool Refuse(ObjectKey key)
    {
        if (key.Path.StartsWith(BucketLayout.LedgersPrefix, StringComparison.Ordinal))
            return false;
        Interlocked.Increment(ref _refused);
        return true;
    }

    private protected string[] Saves(string run) => Files(run, "saves");

    private protected string[] Files(string run, string below) => Directory.Exists(Path.Combine(Folder, run, "bucket", below))
        ? Directory.GetFiles(Path.Combine(Folder, run, "bucket", below), "*", SearchOption.AllDirectories)
        : [];
}
