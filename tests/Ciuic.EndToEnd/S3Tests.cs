using Amazon.S3;
using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>Silo, trainer and CLI on a real S3 server.</summary>
public sealed class S3Tests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task On_a_bucket_that_is_full_or_only_read_silos_start_and_say_so_runs_are_resumed_and_later_all_goes_on(bool isFull)
    {
        Required.Need("s3", CephServer.Missing());
        await using var ceph = await CephServer.StartAsync();
        var place = await PlaceAsync(ceph);
        var (cli, health) = (new CliRun(place), $"--Ciuic:Silo:HealthPort={FreePorts.Take(1)[0]}");
        await using (var silo = await SiloProcess.StartAsync(place, None))
        {
            await cli.TrainAsync(ExitCode.Ok, "s3", 6);
            await silo.StopAsync(None);
        }

        var weak = place;
        if (isFull)
        {
            await ceph.SetQuotaAsync(null, 1);
        }
        else
        {
            await ceph.AddReaderAsync(null, "reader");
            weak = place with { StoreSettings = [.. place.StoreSettings, "Ciuic:S3:AccessKey=reader", "Ciuic:S3:SecretKey=reader-secret"] };
        }

        await using (var silo = await SiloProcess.StartAsync(weak, None, health, "--Ciuic:Silo:HealthInterval=00:00:00.5"))
        {
            Assert.Contains("NOT READY", await File.ReadAllTextAsync(place.SiloLog));
            Assert.Contains(isFull ? "bucket is full" : "may not do this", await ReadyAsync(health, isReady: false));
            Assert.Contains(await new CliRun(weak).TrainAsync(ExitCode.Ok, "s3", 6), l => l.StartsWith("@resumed 6", StringComparison.Ordinal));
            await new CliRun(weak).ExpectAsync(ExitCode.Ok, "VERIFIED", "verify", "s3@latest");
            if (isFull)
            {
                await ceph.SetQuotaAsync(null, 1L << 40);
                await ReadyAsync(health, isReady: true);
                await cli.TrainAsync(ExitCode.Ok, "s3", 9);
            }

            await silo.StopAsync(None);
        }

        await using var last = await SiloProcess.StartAsync(place, None);
        await cli.TrainAsync(ExitCode.Ok, "s3", 12);
        await cli.ExpectAsync(ExitCode.Ok, "PASSED", "audit");
    }

    /// <summary>What the silo says, once it says that it is ready, or that it is not.</summary>
    private static async Task<string> ReadyAsync(string health, bool isReady)
    {
        using var http = new HttpClient();
        while (true)
        {
            using var answer = await http.GetAsync($"http://127.0.0.1:{health.Split('=')[1]}/ready");
            if (answer.IsSuccessStatusCode == isReady)
                return await answer.Content.ReadAsStringAsync();
            await Task.Delay(100);
        }
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
