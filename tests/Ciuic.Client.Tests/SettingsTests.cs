using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Client.Tests;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("Ciuic:Save:EverySteps", "-1", "EverySteps")]
    [InlineData("Ciuic:Save:ChunkBytes", "1", "ChunkBytes")]
    [InlineData("Ciuic:Save:EverySteps", "often", "often")]
    [InlineData("Ciuic:Save:EverySetps", "1", "EverySetps")]
    [InlineData("Ciuic:Save:OnTerminate", "Explode", "Explode")]
    public void A_wrong_setting_is_refused_and_named(string name, string value, string named)
    {
        var error = Assert.Throws<InvalidInputException>(() => StrictSettings.Read<SaveOptions>(Settings(name, value), "Ciuic:Save"));
        Assert.Contains(named, error.Message);
    }

    [Theory]
    [InlineData("Ciuic:Client:Gateways:0", "127.0.0.1:30000", false)]
    [InlineData("Ciuic:Client:Endpoint", "http://127.0.0.1:5001", true)]
    [InlineData("Ciuic:Client:Mode", "Http", true)]
    public void How_the_cluster_is_asked_follows_from_what_is_known_of_it(string name, string value, bool isHttp) =>
        Assert.Equal(isHttp, StrictSettings.Read<ClientOptions>(Settings(name, value), "Ciuic:Client").IsHttp);

    [Theory]
    [InlineData("Ciuic:Sav:EverySteps", "Ciuic:Sav is no section of settings; there are Silo, ")]
    [InlineData("Ciuic:Save:EverySetps", "Ciuic:Save:EverySetps is no setting; Ciuic:Save has EverySteps, ")]
    [InlineData("Ciuic:Save:EverySteps:Often", "Ciuic:Save:EverySteps is no setting")]
    public void What_is_misspelled_is_named_once_with_what_there_is(string name, string message)
    {
        var error = Assert.Throws<InvalidInputException>(
            () => StrictSettings.Read<SaveOptions>(Settings(name, "1"), "Ciuic:Save"));
        Assert.StartsWith(message, error.Message);
        Assert.DoesNotContain("\n", error.Message);
    }

    [Theory]
    [InlineData("EverySteps", "EverySteps")]
    [InlineData("Ciuicc:Save:EverySteps=1", "Ciuicc:Save:EverySteps")]
    [InlineData("EverySteps=1", "Ciuic or Logging")]
    public void A_word_on_the_command_line_that_is_no_setting_is_refused(string setting, string named) =>
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => SettingsFile.Read([setting])).Message);

    [Fact]
    public async Task A_store_that_cannot_be_opened_names_its_setting() => Assert.StartsWith(
        "Ciuic:Store:Uri: ",
        (await Assert.ThrowsAsync<UnavailableException>(() => StoreSchemes.BuiltIn.OpenAsync(
            Settings("Ciuic:Store:Uri", "file:/dev/null/store"), CancellationToken.None))).Message);

    [Theory]
    [InlineData("s3://bucket")]
    [InlineData("ftp:x")]
    public async Task A_kind_of_store_that_a_program_does_not_bring_is_refused_and_what_it_brings_is_named(string uri) => Assert.Contains(
        "file:PATH or memory:",
        (await Assert.ThrowsAsync<InvalidInputException>(() => StoreSchemes.BuiltIn.OpenAsync(
            Settings("Ciuic:Store:Uri", uri), CancellationToken.None))).Message);

    [Fact]
    public async Task A_chain_without_gateways_is_refused() => await Assert.ThrowsAsync<InvalidInputException>(() =>
        SnapshotChain.ConnectAsync(Settings("Ciuic:Client:Mode", "Orleans")));

    [Fact]
    public async Task Without_a_store_an_Orleans_client_is_refused_and_told_what_to_set()
    {
        var error = await Assert.ThrowsAsync<InvalidInputException>(
            () => SnapshotChain.ConnectAsync(Settings("Ciuic:Client:Gateways:0", "127.0.0.1:1")));
        Assert.StartsWith("Ciuic:Store:Uri is not set", error.Message);
    }

    [Theory]
    [InlineData("Ciuic:Save:EverySteps", "5", "gateway:")]
    [InlineData("Ciuic:Client:Mode", "http", "gateway:")]
    [InlineData("Ciuic:Store:Uri", "file:/data", "file:/data")]
    public void What_is_left_out_leads_to_the_silo_of_this_machine(string name, string value, string uri)
    {
        var complete = ClientDefaults.Complete(Settings(name, value));
        Assert.True(StrictSettings.Read<ClientOptions>(complete, "Ciuic:Client").IsHttp);
        Assert.Equal(uri, complete["Ciuic:Store:Uri"]);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:0")]
    [InlineData("silo")]
    [InlineData("silo:0")]
    [InlineData("silo:65536")]
    [InlineData("silo:30000:1")]
    [InlineData("two words:30000")]
    [InlineData(":30000")]
    public void What_is_no_gateway_is_refused_and_named(string text) =>
        Assert.Contains($"'{text}'", Assert.Throws<InvalidInputException>(() => NamedGateways.Parse(text)).Message);

    [Fact]
    public async Task A_name_stands_for_its_addresses_and_one_that_is_unknown_takes_none_away()
    {
        string[] texts = ["127.0.0.2:1", "[::1]:2", "localhost:3", "nobody.invalid:4", "127.0.0.2:1"];
        var found = await new NamedGateways(texts.Select(NamedGateways.Parse).ToList(), TimeSpan.FromSeconds(1)).GetGateways();
        Assert.Equal(["gwy.tcp://127.0.0.2:1/0", "gwy.tcp://[::1]:2/0"], found.Take(2).Select(uri => uri.ToString()));
        Assert.Contains("gwy.tcp://127.0.0.1:3/0", found.Skip(2).Select(uri => uri.ToString()));
        Assert.Equal(found.Count, found.Distinct().Count());
        var unknown = new NamedGateways([NamedGateways.Parse("nobody.invalid:4")], TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<UnavailableException>(unknown.GetGateways);
    }

    [Fact]
    public void Save_conditions_are_ored()
    {
        var time = new FakeTimeProvider();
        var policy = new SavePolicy(
            new SaveOptions { EverySteps = 10, EveryEpoch = true, EveryTime = TimeSpan.FromMinutes(1) }, time);
        Assert.False(policy.IsDue(0, false));
        Assert.False(policy.IsDue(9, false));
        Assert.True(policy.IsDue(10, false));
        Assert.True(policy.IsDue(9, true));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(policy.IsDue(9, false));
        policy.MarkSaved(9, TimeSpan.Zero);
        Assert.False(policy.IsDue(9, false));
    }

    [Fact]
    public void Conditions_that_are_off_never_ask_for_a_save()
    {
        var policy = new SavePolicy(new SaveOptions { EverySteps = 0 }, new FakeTimeProvider());
        Assert.False(policy.IsDue(100, true));
    }

    [Fact]
    public void With_a_bound_on_the_overhead_the_interval_follows_what_is_measured()
    {
        var time = new FakeTimeProvider();
        var policy = new SavePolicy(new SaveOptions { EverySteps = 10, MaxOverhead = 0.1 }, time);
        var saves = new List<long>();
        var stall = TimeSpan.FromSeconds(1);
        for (var step = 1L; step <= 100; step++)
        {
            time.Advance(TimeSpan.FromSeconds(step <= 50 ? 1 : 20)); // the second half trains slowly
            if (!policy.IsDue(step, false))
                continue;
            time.Advance(stall);
            policy.MarkSaved(step, stall);
            saves.Add(step);
        }

        Assert.Equal([10, 19, 28, 37, 46], saves.Take(5)); // one second in ten
        Assert.Equal(1, policy.Interval); // less than one in ten after every step
        Assert.Equal([98, 99, 100], saves.TakeLast(3));
        Assert.InRange(policy.Stall!.Value.TotalSeconds, 0.99, 1.01);
    }

    [Fact]
    public void After_a_resume_the_interval_begins_there()
    {
        var policy = new SavePolicy(new SaveOptions { EverySteps = 10, MaxOverhead = 0.1 }, new FakeTimeProvider());
        Assert.False(policy.IsDue(101, false));
        Assert.False(policy.IsDue(109, false));
        Assert.True(policy.IsDue(110, false));
    }

    [Fact]
    public void Advice_on_the_interval_comes_from_failures_and_costs()
    {
        var begin = DateTimeOffset.UnixEpoch;
        var stall = TimeSpan.FromSeconds(2);
        RunEventKind[] kinds =
        [
            RunEventKind.Opened, RunEventKind.Committed, // dies
            RunEventKind.Opened, RunEventKind.Closed,
            RunEventKind.Opened, RunEventKind.RolledBack, // by a person
            RunEventKind.Opened, // dies
            RunEventKind.Opened,
        ];
        var events = kinds.Select((kind, i) => new RunEvent
        {
            Number = i + 1,
            Run = Samples.Run,
            Kind = kind,
            At = begin.AddMinutes(i),
            Token = new FencingToken(1),
        }).ToList();
        var advice = IntervalAdvice.Of(events, stall, TimeSpan.FromSeconds(0.5), begin.AddHours(2));
        Assert.Equal((2, TimeSpan.FromHours(1)), (advice.Failures, advice.MeanTimeBetweenFailures));
        Assert.Equal(120, advice.Interval.TotalSeconds, 1); // sqrt(2 * 2 * 3600)
        Assert.Equal(240, advice.Steps);
        Assert.Equal(1, IntervalAdvice.Of([], stall, TimeSpan.FromSeconds(0.5), begin).Steps);
    }

    [Fact]
    public void Only_a_process_of_this_boot_and_namespace_is_known_to_be_gone()
    {
        var gone = ThisProcess.Identity with { ProcessId = int.MaxValue };
        Assert.False(ThisProcess.IsGone(ThisProcess.Identity));
        Assert.True(ThisProcess.IsGone(gone));
        Assert.False(ThisProcess.IsGone(gone with { Host = "elsewhere" }));
        Assert.False(ThisProcess.IsGone(gone with { Space = "other" }));
    }

    private static IConfiguration Settings(string name, string value) => new ConfigurationBuilder()
        .AddInMemoryCollection([KeyValuePair.Create(name, (string?)value)])
        .Build();
}
