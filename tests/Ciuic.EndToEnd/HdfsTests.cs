using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>Silo, trainer and CLI on a bucket behind WebHDFS; the server is ours, the processes and the HTTP are real.</summary>
public sealed class HdfsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_run_in_HDFS_is_killed_resumed_and_proven_while_name_nodes_change()
    {
        await using var first = new WebHdfsServer();
        await using var second = first.Second();
        var place = DemoPlace.Open(_folder.File("place")) with
        {
            StoreSettings =
            [
                $"Ciuic:Store:Uri=webhdfs://{first.NameNode.Authority},{second.NameNode.Authority}/ml/runs", "Ciuic:WebHdfs:User=trainer",
            ],
        };
        second.IsStandby = true;
        var cli = new CliRun(place);
        await cli.ExpectAsync(ExitCode.Ok, "is fit for use", "store", "check");
        await using (var silo = await SiloProcess.StartAsync(place, CancellationToken.None))
        {
            await using (var trainer = ProgramRun.Trainer(
                ["train", "--machine", "--run", "hdfs", "--steps", "1000000", .. place.ClientSettings, "--set", "Ciuic:Save:EverySteps=3"]))
            {
                await trainer.UntilAsync(l => l.StartsWith("@committed 9 ", StringComparison.Ordinal));
                (first.IsStandby, second.IsStandby) = (true, false);
                await trainer.UntilAsync(l => l.StartsWith("@committed 18 ", StringComparison.Ordinal));
                trainer.Kill();
            }

            var lines = await cli.TrainAsync(ExitCode.Ok, "hdfs", 30);
            Assert.Contains(lines, l => l.StartsWith("@resumed", StringComparison.Ordinal));
            await silo.StopAsync(CancellationToken.None);
        }

        await cli.ExpectAsync(ExitCode.Ok, "PASSED", "audit");
        await cli.ExpectAsync(ExitCode.Ok, "", "verify", "hdfs@latest");
        Assert.Equal(["trainer"], second.Users);
    }

    public void Dispose() => _folder.Dispose();
}
