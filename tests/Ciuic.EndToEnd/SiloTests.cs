using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

public sealed class SiloTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("--Ciuic:Silo:GatewayPort=0", "GatewayPort")]
    [InlineData("--Ciuic:Silo:GatewayPort=many", "many")]
    [InlineData("--Ciuic:Silo:Address=nowhere", "Ciuic:Silo:Address")]
    [InlineData("--Ciuic:Silo:Address=0.0.0.0", "Ciuic:Silo:Address")]
    [InlineData("--Ciuic:Silo:Address=10.0.0.7", "stands alone")]
    [InlineData("--Ciuic:Database:PostgreSql=Host=x", "Ciuic:Database:PostgreSql")]
    [InlineData("--Ciuic:Silo:GatwayPort=30000", "GatwayPort")]
    [InlineData("--Ciuic:Runs:LeaseDuration=00:00:00", "LeaseDuration")]
    [InlineData("--Ciuic:Ledger:Origin=with space", "Origin")]
    [InlineData("--Ciuic:Store:Uri=ftp://x", "Ciuic:Store:Uri")]
    [InlineData("--Ciuic:Sillo:GatewayPort=1", "Ciuic:Sillo")]
    [InlineData("--Ciuic:Snapshot:ShardDeadline=bad", "Ciuic:Snapshot ")]
    [InlineData("--Ciuic:Silo:SiloPort=7777", "SiloPort", "--Ciuic:Silo:GatewayPort=7777")]
    [InlineData("--Logging:LogLevel:Default=Loud", "Loud")]
    [InlineData("--Logging:Console:LogLevel:Default=Loud", "Loud")]
    [InlineData("--Orleans:ClusterMembership:ProbeTimout=00:00:01", "ProbeTimout")]
    [InlineData("--Orleans:ClusterMembership:NumMissedProbesLimit=few", "few")]
    [InlineData("--Orleans:ClusterId=other", "Ciuic:Silo")]
    [InlineData("--GatewayPort", "GatewayPort")]
    [InlineData("foo", "foo")]
    public async Task A_wrong_setting_is_one_clear_line_and_code_2(string setting, string named, params string[] others)
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = ProgramRun.Silo([.. place.SiloSettings, setting, .. others]);
        Assert.Equal(2, await silo.ExitAsync());
        Assert.Contains(named, Assert.Single(silo.Lines));
    }

    [Fact]
    public async Task A_store_that_cannot_be_opened_is_code_13_and_names_its_setting()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = ProgramRun.Silo([.. place.SiloSettings, "--Ciuic:Store:Uri=file:/dev/null/store"]);
        Assert.Equal(ExitCode.Unreachable, await silo.ExitAsync());
        Assert.Contains("Ciuic:Store:Uri", Assert.Single(silo.Lines));
    }

    [Fact]
    public async Task A_silo_makes_keys_that_only_its_owner_reads_and_drains_on_SIGTERM()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        foreach (var key in Directory.EnumerateFiles(Path.Combine(place.Folder, "silo", "keys")))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        var stored = await File.ReadAllTextAsync(Path.Combine(place.StorePath, "ledgers", "main", "keys"));
        Assert.Contains(silo.Key.ToString(), stored);
        Assert.Equal(0, await silo.StopAsync(CancellationToken.None));
        Assert.DoesNotContain("PRIVATE", await File.ReadAllTextAsync(place.SiloLog));
    }

    [Fact]
    public async Task Keys_may_come_from_the_environment_and_a_wrong_one_is_not_printed()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        var seed = Enumerable.Repeat((byte)77, SigningKey.SeedSize).ToArray();
        using var key = SigningKey.FromSeed("ciuic.local/demo", seed);
        await using (var silo = await SiloProcess.StartAsync(
            place, CancellationToken.None, $"--Ciuic:Ledger:TreeHeadKey={key.Export()}"))
        {
            Assert.Equal(key.Verifier, silo.Key);
            Assert.False(File.Exists(Path.Combine(place.Folder, "silo", "keys", "main.tree-head.key")));
            Assert.Equal(0, await silo.StopAsync(CancellationToken.None));
        }

        await using var wrong = ProgramRun.Silo([.. place.SiloSettings, $"--Ciuic:Ledger:BlocksKey={key.Export()}"]);
        Assert.Equal(2, await wrong.ExitAsync());
        Assert.Contains("Ciuic:Ledger:BlocksKey", Assert.Single(wrong.Lines));
        Assert.DoesNotContain(key.Export()[^20..], wrong.Text);
    }

    [Fact]
    public async Task A_policy_for_another_ledger_or_without_addresses_is_refused()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        var policy = _folder.File("policy");
        await File.WriteAllTextAsync(policy, $"log {TestKeys.TreeHead.Verifier}\nquorum none\n");
        await using (var foreign = ProgramRun.Silo([.. place.SiloSettings, $"--Ciuic:Ledger:PolicyFile={policy}"]))
        {
            Assert.Equal(2, await foreign.ExitAsync());
            Assert.Contains("not for this ledger's key", Assert.Single(foreign.Lines));
        }

        var witness = SigningKey.FromSeed("w", KeyAlgorithm.Ed25519Cosignature, new byte[SigningKey.SeedSize]).Verifier;
        await File.WriteAllTextAsync(policy, $"witness w {witness}\nquorum w\n");
        await using var silent = ProgramRun.Silo([.. place.SiloSettings, $"--Ciuic:Ledger:PolicyFile={policy}"]);
        Assert.Equal(2, await silent.ExitAsync());
        Assert.Contains("could never be reached", Assert.Single(silent.Lines));
    }

    [Fact]
    public async Task A_second_silo_on_the_same_port_or_database_is_refused()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var first = await SiloProcess.StartAsync(place, CancellationToken.None);
        await using var second = ProgramRun.Silo(place.SiloSettings);
        Assert.Equal(2, await second.ExitAsync());
        Assert.Contains("SiloPort", Assert.Single(second.Lines));
        var other = DemoPlace.Open(_folder.File("other")); // its own ports, the first one's database
        await using var third = ProgramRun.Silo(
            [.. other.SiloSettings, $"--Ciuic:Database:Path={Path.Combine(place.Folder, "silo", "ciuic.db")}"]);
        Assert.Equal(2, await third.ExitAsync());
        Assert.Contains("in use by another silo", Assert.Single(third.Lines));
    }

    [Fact]
    public async Task Keys_that_others_can_read_or_that_are_damaged_are_refused()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using (var silo = await SiloProcess.StartAsync(place, CancellationToken.None))
            await silo.StopAsync(CancellationToken.None);
        var key = Path.Combine(place.Folder, "silo", "keys", "main.blocks.key");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        await RefusedAsync(place, "chmod 600");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(key, "PRIVATE+KEY+damaged");
        await RefusedAsync(place, "main.blocks.key");
    }

    public void Dispose() => _folder.Dispose();

    private static async Task RefusedAsync(DemoPlace place, string message)
    {
        await using var silo = ProgramRun.Silo(place.SiloSettings);
        Assert.Equal(2, await silo.ExitAsync());
        Assert.Contains(message, Assert.Single(silo.Lines));
    }
}
