using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>The database is gone; the bucket and the keys are enough.</summary>
public sealed class RebuildTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_cluster_comes_back_from_its_bucket_and_training_goes_on()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        var cli = new CliRun(place);
        var reference = await cli.TrainAsync(0, "whole", 15, "--no-save");
        await using (var silo = await SiloProcess.StartAsync(place, CancellationToken.None))
        {
            await cli.TrainAsync(0, "a", 9);
            await cli.ExpectAsync(ExitCode.Ok, "tagged best", "tag", "a@step:6", "best", "--reason", "lowest loss");
            await cli.ExpectAsync(ExitCode.Ok, "pinned", "pin", "a@#1");
            await cli.ExpectAsync(ExitCode.Ok, "tagged worst", "tag", "a@#1", "worst");
            await cli.ExpectAsync(ExitCode.Ok, "a#1, step 3", "untag", "a", "worst");
            await cli.ExpectAsync(ExitCode.NotFound, "tag:worst", "untag", "a", "worst");
            await cli.ExpectAsync(ExitCode.Usage, "not a tag", "tag", "a", "no/slash");
            await cli.ExpectAsync(ExitCode.Ok, "resumes from #2", "rollback", "a", "--to", "tag:best", "--reason", "test");
            await cli.TrainAsync(0, "a", 12);
            await silo.StopAsync(CancellationToken.None);
        }

        foreach (var file in Directory.EnumerateFiles(Path.Combine(place.Folder, "silo"), "ciuic.db*"))
            File.Delete(file);
        await using var second = await SiloProcess.StartAsync(place, CancellationToken.None);
        Assert.Empty((await cli.JsonAsync("runs")).EnumerateArray());
        var refused = await cli.TrainAsync(ExitCode.Conflict, "a", 15);
        Assert.Contains(refused, l => l.Contains("ciuic rebuild", StringComparison.Ordinal));
        await cli.ExpectAsync(ExitCode.Usage, "give --store the silo's", "rebuild", "--store", await OtherBucketAsync());
        await cli.ExpectAsync(ExitCode.Ok, "1 runs with 5 snapshots are back", "rebuild", "--store", place.StoreUri, "--key", second.Key.ToString());
        await cli.ExpectAsync(ExitCode.Ok, "were in the database already", "rebuild", "--store", place.StoreUri);
        Assert.Equal(12, (await cli.JsonAsync("show", "a")).GetProperty("step").GetInt32());
        Assert.Equal(6, (await cli.JsonAsync("show", "a@tag:best")).GetProperty("step").GetInt32());
        var kinds = (await cli.JsonAsync("ls", "a", "--all")).EnumerateArray().Select(e => e.GetProperty("kind").GetString());
        Assert.Equal(
            ["committed", "committed", "committed", "tagged", "pinned", "tagged", "untagged", "rolledBack", "committed", "committed", "rebuilt"], kinds);
        var resumed = await cli.TrainAsync(0, "a", 15);
        Assert.Equal(Losses(reference).TakeLast(3), Losses(resumed));
        await second.StopAsync(CancellationToken.None);
        await cli.ExpectAsync(ExitCode.Ok, "PASSED", "audit", "--key", second.Key.ToString());
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The bucket of somebody else.</summary>
    private async Task<string> OtherBucketAsync()
    {
        var other = DemoPlace.Open(_folder.File("other"));
        await using var silo = await SiloProcess.StartAsync(other, CancellationToken.None, "--Ciuic:Ledger:Origin=elsewhere/main");
        await silo.StopAsync(CancellationToken.None);
        return other.StoreUri;
    }

    private static IEnumerable<string> Losses(IEnumerable<string> lines) =>
        lines.Where(l => l.StartsWith("@loss", StringComparison.Ordinal));
}
