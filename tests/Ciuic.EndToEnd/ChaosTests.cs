using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.EndToEnd;

/// <summary>A minute of the program whose longer run is a command in the README.</summary>
public sealed class ChaosTests
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_wrong_while_everything_is_killed()
    {
        Required.Need("postgres", PostgresServer.Missing());
        Required.Need("s3", CephServer.Missing());
        await using var chaos = ProgramRun.Of("Ciuic.Chaos", "--minutes", "1", "--silos", "3", "--ranks", "2", "--runs", "1", "--seed", "1");
        var code = await chaos.ExitAsync(TimeSpan.FromMinutes(10));
        foreach (var line in chaos.Lines)
            TestContext.Current.SendDiagnosticMessage(line);
        Assert.True(code == ExitCode.Ok, chaos.Text);
        Assert.Contains("lost 0, wrong bytes 0, uncommitted visible 0, duplicates 0", chaos.Text);
    }
}
