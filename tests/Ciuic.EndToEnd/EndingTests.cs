using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>Programs that end as users' programs do: what they saved last is committed, or kept, and said.</summary>
public sealed class EndingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DemoPlace _place;

    public EndingTests() => _place = DemoPlace.Open(_folder.File("place"));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("last-line", 0)]
    [InlineData("exception", 134)]
    [InlineData("using", 134)]
    public async Task A_program_that_just_ends_has_its_last_save_committed(string ending, int code)
    {
        await using var silo = await SiloProcess.StartAsync(_place, CancellationToken.None);
        await using var program = Start(ending);
        Assert.Equal(code, await program.ExitAsync());
        Assert.Equal([1], await CommittedAsync("once"));
        if (ending != "using")
            Assert.Contains("ciuic: run once: step 1 is committed: snapshot #1", program.Text);
    }

    [Fact]
    public async Task Without_a_silo_the_last_save_is_kept_and_the_next_start_commits_it()
    {
        await using (var program = Start("last-line"))
        {
            Assert.Equal(0, await program.ExitAsync());
            Assert.Contains("ciuic: run once has 1 saves on their way", program.Text);
            Assert.Contains("step 1 is not committed: Step 1 is kept in", program.Text);
        }

        await using var silo = await SiloProcess.StartAsync(_place, CancellationToken.None);
        await using var next = Start("last-line");
        Assert.Equal(0, await next.ExitAsync());
        Assert.Equal([1, 1], await CommittedAsync("once"));
    }

    [Fact]
    public async Task A_second_Ctrl_C_ends_at_once()
    {
        await using var program = Start("loop");
        await program.UntilAsync(l => l.StartsWith("@step loop 3", StringComparison.Ordinal));
        program.Interrupt();
        await Task.Delay(TimeSpan.FromSeconds(1)); // it waits for a silo now
        program.Interrupt();
        Assert.Equal(130, await program.ExitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task A_process_with_two_runs_ends_when_both_are_saved()
    {
        await using var silo = await SiloProcess.StartAsync(_place, CancellationToken.None);
        await using var program = Start("two-runs");
        await program.UntilAsync(l => l.StartsWith("@step slow 1", StringComparison.Ordinal));
        program.Terminate();
        Assert.Equal(0, await program.ExitAsync());
        Assert.Single(await CommittedAsync("quick"));
        Assert.Single(await CommittedAsync("slow"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_of_the_cluster_without_a_host_ends_with_its_last_save(bool byKeyboard)
    {
        await using var silo = await SiloProcess.StartAsync(_place, CancellationToken.None);
        await using var program = Start("endless");
        await program.UntilAsync(l => l.StartsWith("@step endless 3", StringComparison.Ordinal));
        if (byKeyboard)
            program.Interrupt();
        else
            program.Terminate();
        Assert.Equal(0, await program.ExitAsync(TimeSpan.FromMinutes(1)));
        Assert.Single(await CommittedAsync("endless"));
    }

    [Fact]
    public async Task In_a_host_the_program_ends_as_its_host_does()
    {
        await using var silo = await SiloProcess.StartAsync(_place, CancellationToken.None);
        await using var program = Start("host");
        await program.UntilAsync(l => l.StartsWith("@step hosted 3", StringComparison.Ordinal));
        program.Terminate();
        Assert.Equal(0, await program.ExitAsync());
        Assert.Contains("@other service stops", program.Lines);
        Assert.Contains("@host ends", program.Lines);
        Assert.Single(await CommittedAsync("hosted"));
    }

    private ProgramRun Start(string ending) => ProgramRun.Of("Ciuic.Endings", [ending], new Dictionary<string, string>
    {
        ["Ciuic__Client__Gateways__0"] = $"127.0.0.1:{_place.GatewayPort}",
        ["Ciuic__Client__StateDirectory"] = _folder.File("client"),
        ["Ciuic__Client__ConnectPatience"] = "00:00:02",
        ["Ciuic__Save__SpoolDirectory"] = _folder.File("spool"),
        ["Ciuic__Save__FinishDeadline"] = "00:00:05",
        ["Ciuic__Save__EverySteps"] = "0",
        ["Ciuic__Store__Uri"] = _place.StoreUri,
    });

    private async Task<IEnumerable<long>> CommittedAsync(string run)
    {
        var history = await BucketHistory.ReadAsync(
            new LedgerBucket(StoreUri.Open(_place.StoreUri), "main"), RunId.Parse(run), [], null, CancellationToken.None);
        return history!.Snapshots.Select(s => s.Step);
    }
}
