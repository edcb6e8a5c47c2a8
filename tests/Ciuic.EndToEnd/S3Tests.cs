using Amazon.S3;
using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>Silo, trainer and CLI on a real S3 server.</summary>
public sealed class S3Tests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_run_on_S3_is_killed_resumed_and_proven_from_the_bucket_alone()
    {
        Required.Need("s3", CephServer.Missing());
        await using var ceph = await CephServer.StartAsync();
        var place = await PlaceAsync(ceph);
        var cli = new CliRun(place);
        await using (var silo = await SiloProcess.StartAsync(place, CancellationToken.None))
        {
            await using (var trainer = ProgramRun.Trainer(
                ["train", "--machine", "--run", "s3", "--steps", "1000000", .. place.ClientSettings, "--set", "Ciuic:Save:EverySteps=3"]))
            {
                await trainer.UntilAsync(l => l.StartsWith("@committed 9 ", StringComparison.Ordinal));
                trainer.Kill();
            }

            var lines = await cli.TrainAsync(ExitCode.Ok, "s3", 30);
            Assert.Contains(lines, l => l.StartsWith("@resumed", StringComparison.Ordinal));
            await silo.StopAsync(CancellationToken.None);
        }

        await cli.ExpectAsync(ExitCode.Ok, "PASSED", "audit");
        await cli.ExpectAsync(ExitCode.Ok, "", "verify", "s3@latest");
        await cli.ExpectAsync(ExitCode.Ok, "is fit for use", "store", "check");
        Assert.False(Directory.Exists(place.StorePath));
    }

    [Fact]
    public async Task A_PyTorch_script_with_the_usual_configuration_writes_to_S3_directly_and_is_killed_and_resumed()
    {
        Required.Need("s3", CephServer.Missing());
        Required.Need("python", PythonProgram.Missing());
        await using var ceph = await CephServer.StartAsync();
        var place = await PlaceAsync(ceph) with { ApiPort = FreePorts.Take(1)[0] };
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        while (!File.Exists(place.ApiKeyFile))
            await Task.Delay(20);
        var config = PythonProgram.Configure(
            place, "script", ("storage_type", "s3"), ("bucket_name", "runs"), ("prefix", "team"), ("endpoint_url", ceph.Endpoint.OriginalString),
            ("region", CephServer.Region), ("access_key", CephServer.AccessKey), ("secret_key", CephServer.SecretKey));
        string[] script = [Path.Combine(PythonProgram.Package(), "examples", "train_lm.py"), "--config", config, "--save-every", "2", "--epochs", "40"];
        await using (var killed = PythonProgram.Start(place, script))
        {
            var (cli, committed) = (new CliRun(place), 0L);
            while (committed == 0)
                committed = (await cli.JsonAsync("runs")).EnumerateArray().Sum(r => r.GetProperty("committed").GetInt64());
            killed.Kill();
        }

        await using var resumed = PythonProgram.Start(place, [.. script, "--epochs", "2"]);
        Assert.True(await resumed.ExitAsync() == 0, resumed.Text);
        Assert.Contains("Loading model from snapshot: 20", resumed.Text);
        Assert.DoesNotContain(CephServer.SecretKey, resumed.Text + await File.ReadAllTextAsync(place.SiloLog));
        await new CliRun(place).ExpectAsync(ExitCode.Ok, "PASSED", "audit");
    }

    [Fact]
    public async Task A_silo_without_its_bucket_does_not_start_and_says_why()
    {
        Required.Need("s3", CephServer.Missing());
        await using var ceph = await CephServer.StartAsync();
        var place = await PlaceAsync(ceph);
        var error = await Assert.ThrowsAsync<UnavailableException>(() =>
            SiloProcess.StartAsync(place, CancellationToken.None, "--Ciuic:Store:Uri=s3://nobody-made-this"));
        Assert.Contains(place.SiloLog, error.Message);
        var log = await File.ReadAllTextAsync(place.SiloLog);
        Assert.Contains("there is no such bucket", log);
        Assert.DoesNotContain(CephServer.SecretKey, log);
    }

    public void Dispose() => _folder.Dispose();

    private async Task<DemoPlace> PlaceAsync(CephServer ceph)
    {
        var config = new AmazonS3Config
        {
            ServiceURL = ceph.Endpoint.OriginalString,
            AuthenticationRegion = CephServer.Region,
            ForcePathStyle = true,
        };
        using var client = new AmazonS3Client(CephServer.AccessKey, CephServer.SecretKey, config);
        await client.PutBucketAsync("runs");
        return DemoPlace.Open(_folder.File("place")) with
        {
            StoreSettings =
            [
                "Ciuic:Store:Uri=s3://runs/team", $"Ciuic:S3:Endpoint={ceph.Endpoint.OriginalString}", $"Ciuic:S3:Region={CephServer.Region}",
                $"Ciuic:S3:AccessKey={CephServer.AccessKey}", $"Ciuic:S3:SecretKey={CephServer.SecretKey}",
            ],
        };
    }
}
