using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>A silo, three witnesses, a trainer and the CLI, all real processes: history that nobody can rewrite.</summary>
public sealed class LedgerTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DemoPlace _place;
    private readonly CliRun _cli;
    private readonly List<WitnessProcess> _witnesses = [];

    public LedgerTests()
    {
        _place = DemoPlace.Open(_folder.File("place"));
        _cli = new CliRun(_place);
    }

    private string SiloPolicy => _folder.File("silo.policy");

    private string LedgerFolder => Path.Combine(_place.StorePath, "ledgers");

    private string OldLedger => _folder.File("old");

    private string WitnessPolicy => _folder.File("witness.policy");

    [Fact]
    public async Task History_is_final_by_witnesses_proven_offline_and_survives_rotation()
    {
        VerifierKey key;
        await using (var silo = await SiloProcess.StartAsync(_place, CancellationToken.None))
        {
            key = silo.Key;
            await _cli.TrainAsync(0, "a", 6);
            Assert.Equal(0, await silo.StopAsync(CancellationToken.None));
        }

        await StartWitnessesAsync(key);
        await using (var silo = await StartSiloAsync())
        {
            await WithWitnessesAsync();
            await ProveAsync();
            await LoseWitnessesAsync();
            await RotateAsync(key);
            await silo.StopAsync(CancellationToken.None);
        }

        await _cli.ExpectAsync(ExitCode.Ok, "PASSED", "audit", "--policy", SiloPolicy, "--key", key.ToString());
        await RollBackTheBucketAsync();
        foreach (var witness in _witnesses)
            Assert.Equal(0, await witness.StopAsync());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var witness in _witnesses)
            await witness.DisposeAsync();
        _folder.Dispose();
    }

    private async Task StartWitnessesAsync(VerifierKey key)
    {
        await File.WriteAllTextAsync(WitnessPolicy, $"log {key}\nquorum none\n");
        for (var number = 1; number <= 3; number++)
        {
            _witnesses.Add(new WitnessProcess(_folder.File($"w{number}"), WitnessPolicy, number));
            await _witnesses[^1].StartAsync();
        }

        var names = string.Join(' ', _witnesses.Select(w => w.Name));
        await File.WriteAllTextAsync(
            SiloPolicy,
            string.Concat(_witnesses.Select(w => $"{w.PolicyLine}\n")) + $"group two 2 {names}\nquorum two\n");
    }

    private Task<SiloProcess> StartSiloAsync() => SiloProcess.StartAsync(
        _place, CancellationToken.None, $"--Ciuic:Ledger:PolicyFile={SiloPolicy}", "--Ciuic:Ledger:WitnessTimeout=00:00:02");

    private async Task WithWitnessesAsync()
    {
        await _witnesses[2].KillAsync();
        await _cli.TrainAsync(0, "a", 9);
        var status = await UntilFinalAsync();
        Assert.Equal("two", status.GetProperty("quorum").GetString());
        Assert.Contains("does not answer", status.GetProperty("witnesses")[2].GetProperty("problem").GetString());
        await _witnesses[2].StartAsync();
    }

    private async Task ProveAsync()
    {
        await _cli.ExpectAsync(ExitCode.Ok, "VERIFIED", "verify", "a@step:6", "--policy", SiloPolicy);
        var (proof, policy) = (_folder.File("a.tlog-proof"), _folder.File("offline.policy"));
        await _cli.ExpectAsync(ExitCode.Ok, "is in block", "proof", "a@step:6", "-o", proof);
        var log = (await File.ReadAllLinesAsync(WitnessPolicy))[0];
        await File.WriteAllTextAsync(policy, $"{log}\n{await File.ReadAllTextAsync(SiloPolicy)}");
        string Manifest(int sequence) =>
            Path.Combine(_place.StorePath, BucketLayout.Manifest(new SnapshotId(RunId.Parse("a"), new Sequence(sequence))).Path);
        await _cli.ExpectAsync(
            ExitCode.Ok, "VERIFIED", "verify", "--proof", proof, "--policy", policy, "--manifest", Manifest(2));
        await _cli.ExpectAsync(
            ExitCode.Integrity, "another snapshot", "verify", "--proof", proof, "--policy", policy, "--manifest", Manifest(1));
        await _cli.ExpectAsync(ExitCode.Integrity, "another snapshot", "verify", "a@step:3", "--proof", proof);
        await _cli.ExpectAsync(ExitCode.Usage, "public key", "verify", "--proof", proof);
        await _cli.ExpectAsync(ExitCode.Usage, "--proof", "verify", "--proof", _folder.File("none"), "--policy", policy);
        await _cli.ExpectAsync(ExitCode.NotFound, "no committed snapshot", "proof", "a@step:7", "-o", proof);
        await _cli.ExpectAsync(ExitCode.Ok, "begins with that of 1", "ledger", "consistency", "1", "3");
        Copy(LedgerFolder, OldLedger);
    }

    private async Task LoseWitnessesAsync()
    {
        await _witnesses[0].KillAsync();
        await _witnesses[1].KillAsync();
        await _cli.TrainAsync(0, "a", 12); // commits do not wait
        await _cli.ExpectAsync(ExitCode.Unreachable, "not final yet", "proof", "a", "-o", _folder.File("b.tlog-proof"));
        await _witnesses[0].StartAsync();
        await UntilFinalAsync();
        await _cli.ExpectAsync(ExitCode.Ok, "is in block", "proof", "a", "-o", _folder.File("b.tlog-proof"));
        await _witnesses[1].StartAsync();
    }

    private async Task RotateAsync(VerifierKey key)
    {
        await _cli.ExpectAsync(ExitCode.Usage, "no role", "ledger", "rotate", "--role", "all", "--reason", "test");
        await _cli.ExpectAsync(ExitCode.Usage, "--reason", "ledger", "rotate", "--role", "blocks");
        await _cli.JsonAsync("ledger", "rotate", "--role", "blocks", "--reason", "test");
        var next = (await _cli.JsonAsync("ledger", "rotate", "--role", "tree-head", "--prepare")).GetProperty("next").GetString()!;
        Assert.NotEqual(key, VerifierKey.Parse(next));
        foreach (var witness in _witnesses)
            Assert.Equal(0, await witness.StopAsync());
        await File.AppendAllTextAsync(WitnessPolicy, $"log {next}\n");
        foreach (var witness in _witnesses)
            await witness.StartAsync();
        await _cli.JsonAsync("ledger", "rotate", "--role", "tree-head", "--reason", "test");
        await _cli.TrainAsync(0, "a", 15);
        var status = await UntilFinalAsync();
        Assert.Equal(next, status.GetProperty("treeHeadKeys")[1].GetString());
        await _cli.ExpectAsync(ExitCode.Ok, "VERIFIED", "verify", "a@step:15", "--policy", SiloPolicy);
    }

    /// <summary>Puts an older, flawless copy of the ledger in the place of the newer one.</summary>
    private async Task RollBackTheBucketAsync()
    {
        var away = _folder.File("away");
        Directory.Move(LedgerFolder, away);
        await _cli.ExpectAsync(ExitCode.NotFound, "no ledger", "audit");
        Directory.Move(OldLedger, LedgerFolder);
        await _cli.ExpectAsync(ExitCode.Integrity, "but this machine has accepted the tree head of size", "verify", "a");
        await _cli.ExpectAsync(ExitCode.Integrity, "history was rolled back", "audit");
        var trained = await _cli.TrainAsync(ExitCode.Integrity, "a", 18, "--set", "Ciuic:Client:ConnectPatience=00:00:01");
        Assert.Contains(trained, l => l.Contains("this machine has accepted", StringComparison.Ordinal));
        Directory.Delete(LedgerFolder, recursive: true);
        Directory.Move(away, LedgerFolder);
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private async Task<System.Text.Json.JsonElement> UntilFinalAsync()
    {
        while (true)
        {
            var status = await _cli.JsonAsync("ledger", "status");
            if (status.GetProperty("publishedSize").GetInt64() == status.GetProperty("size").GetInt64())
                return status;
            await Task.Delay(500);
        }
    }
}
