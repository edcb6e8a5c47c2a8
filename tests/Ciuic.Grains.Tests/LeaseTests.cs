using System.Text.Json;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>How long a lease lives, and which token the next one has.</summary>
public sealed class LeaseTests : Clusters
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();

    private LeaseWatch Watch => new(_time, Duration);

    [Fact]
    public async Task A_holder_who_renewed_in_vain_while_the_database_stood_still_is_not_fenced()
    {
        var cluster = await StartAsync(new CiuicCluster { Runs = { LeaseDuration = TimeSpan.FromSeconds(2) } });
        var token = (await cluster.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        using var still = cluster.Storage.HoldWrites();
        var begin = cluster.Run("x").BeginSnapshotAsync(token, CiuicCluster.Plan(1));
        var standby = cluster.Run("x").OpenAsync(CiuicCluster.Open());
        var renewal = cluster.Run("x").RenewAsync(token);
        await Task.Delay(TimeSpan.FromSeconds(3)); // longer than a lease: that is what the test is about
        still.Dispose();
        Assert.False((await standby).Granted);
        Assert.Equal(LeaseReply.Held, await renewal);
        Assert.Equal(BeginOutcome.Begun, (await begin).Outcome);
    }

    [Fact]
    public void A_lease_is_over_when_its_holder_was_silent_for_its_length()
    {
        var watch = Watch;
        watch.Heard();
        _time.Advance(Duration - TimeSpan.FromSeconds(1));
        Assert.True(watch.IsLive);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(watch.IsLive);
    }

    [Fact]
    public void Time_in_which_the_run_answered_nobody_does_not_count()
    {
        var watch = Watch;
        watch.Heard();
        var began = _time.GetTimestamp();
        _time.Advance(Duration * 3);
        watch.Served(began);
        Assert.True(watch.IsLive);
        _time.Advance(Duration + TimeSpan.FromSeconds(1));
        Assert.False(watch.IsLive);
        began = _time.GetTimestamp();
        _time.Advance(Duration);
        watch.Served(began);
        Assert.False(watch.IsLive); // it was over before
    }

    [Fact]
    public void After_an_activation_that_came_late_the_holder_has_time_to_be_heard()
    {
        var watch = Watch;
        watch.Begin(_time.GetUtcNow() - TimeSpan.FromSeconds(40));
        _time.Advance(Duration / 3);
        Assert.True(watch.IsLive);
        _time.Advance(Duration / 3);
        Assert.False(watch.IsLive);
        watch.Begin(_time.GetUtcNow() - TimeSpan.FromHours(1));
        Assert.False(watch.IsLive);
        watch.Begin(null);
        Assert.False(watch.IsLive);
    }

    [Fact]
    public void A_clock_that_is_set_right_neither_ends_a_lease_nor_lengthens_it()
    {
        var watch = Watch;
        watch.Begin(_time.GetUtcNow() + TimeSpan.FromHours(1)); // the clock was an hour ahead when it was stored
        _time.Advance(Duration + TimeSpan.FromSeconds(1));
        Assert.False(watch.IsLive);
        var run = new RunState { Lease = LeaseUntil(_time.GetUtcNow() + TimeSpan.FromHours(1)) };
        Assert.Equal(_time.GetUtcNow() + Duration, run.Renew(_time.GetUtcNow(), Duration).Lease!.ExpiresAt);
    }

    [Fact]
    public void A_token_is_above_every_one_before_and_above_those_that_a_database_has_forgotten()
    {
        Gen.Select(Gen.ULong[0, 1UL << 60], Gen.Guid, Gen.Guid, Gen.Int[1, 100_000]).Sample((last, one, other, later) =>
        {
            var now = Samples.Time;
            var (first, second) = (TokenOf(last, one, now), TokenOf(last, other, now.AddMilliseconds(later)));
            Assert.True(first.Value > last && second.Value > last);
            // Both from the same row: the second attempt was opened by a database that had lost the first one.
            if (last < (ulong)now.ToUnixTimeMilliseconds())
                Assert.True(second.CompareTo(first) > 0);
        });
        Assert.True(TokenOf(0, Guid.NewGuid(), Samples.Time).Value < 1UL << 53); // what every JSON can say exactly
    }

    [Fact]
    public void Two_attempts_have_two_tokens_even_of_one_moment_and_one_row()
    {
        var (one, other) = (Guid.Parse("00000000-0000-4000-8000-000000000001"), Guid.Parse("00000000-0000-4000-8000-0000000000ff"));
        Assert.NotEqual(TokenOf(5, one, Samples.Time), TokenOf(5, other, Samples.Time));
        Assert.NotEqual(TokenOf(1UL << 60, one, Samples.Time), TokenOf(1UL << 60, other, Samples.Time)); // behind the clock
    }

    [Fact]
    public async Task An_attempt_that_is_over_is_told_so_over_HTTP_too_where_nobody_holds_the_lease()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var first = (await cluster.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var second = (await cluster.Run("x").OpenAsync(CiuicCluster.Open(takeOver: first))).Lease.Token;
        await cluster.Run("x").CloseAsync(second, CiuicCluster.Alone);
        var reply = await cluster.Run("x").OpenAsync(CiuicCluster.Open() with { Joined = first });
        Assert.True(reply.IsOver);
        var json = JsonSerializer.Serialize(reply, ApiJson.Default.OpenReply);
        Assert.Equal(reply, JsonSerializer.Deserialize(json, ApiJson.Default.OpenReply));
    }

    private static FencingToken TokenOf(ulong last, Guid attempt, DateTimeOffset now) =>
        RunDecisions.NextToken(new FencingToken(last), attempt, now);

    private static Lease LeaseUntil(DateTimeOffset end) => new()
    {
        Attempt = Guid.NewGuid(),
        Token = new FencingToken(1),
        Trainer = Samples.Trainer,
        ExpiresAt = end,
    };
}
