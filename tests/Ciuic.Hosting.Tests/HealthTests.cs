using Ciuic.Core;
using Ciuic.Silo;
using Ciuic.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Orleans.Runtime;

namespace Ciuic.Hosting.Tests;

/// <summary>What a silo says to those who ask how it is.</summary>
public sealed class HealthTests
{
    private readonly SiloOptions _options = new();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task However_many_ask_one_try_answers_them_all()
    {
        var (tries, gate) = (0, new TaskCompletionSource());
        var part = Watch(_ =>
        {
            Interlocked.Increment(ref tries);
            return gate.Task;
        });
        var asking = Enumerable.Range(0, 20).Select(_ => part.ProblemAsync()).ToList();
        gate.SetException(new UnavailableException("away"));
        Assert.All(await Task.WhenAll(asking), problem => Assert.Equal("part: away", problem));
        Assert.Equal(1, tries);
    }

    [Fact]
    public async Task An_answer_is_good_for_the_interval_and_no_longer()
    {
        var works = true;
        var part = Watch(_ => works ? Task.CompletedTask : Task.FromException(new UnavailableException("away")));
        Assert.Null(await part.ProblemAsync());
        works = false;
        _time.Advance(_options.HealthInterval - TimeSpan.FromMilliseconds(1));
        Assert.Null(await part.ProblemAsync());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("part: away", await part.ProblemAsync());
        works = true;
        _time.Advance(_options.HealthInterval);
        Assert.Null(await part.ProblemAsync());
    }

    [Fact]
    public async Task What_hangs_and_heeds_no_token_is_answered_for_in_time_and_not_begun_again()
    {
        var (tries, begun, gate) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        var part = Watch(_ =>
        {
            Interlocked.Increment(ref tries);
            begun.TrySetResult();
            return gate.Task;
        });
        for (var i = 0; i < 3; i++)
        {
            var asking = part.ProblemAsync();
            await begun.Task;
            _time.Advance(_options.HealthTimeout + _options.HealthInterval);
            Assert.Equal("part: no answer within 4 s", await asking);
        }

        gate.SetResult();
        Assert.Equal(1, tries);
    }

    [Fact]
    public async Task A_store_is_probed_by_an_object_that_does_not_stay()
    {
        var store = StoreUri.Open("memory:", DirectWrites.Off);
        await new StoreProbe(store, TimeProvider.System).RunAsync(CancellationToken.None);
        Assert.Empty(await store.ListAsync("", CancellationToken.None).ToListAsync());
    }

    [Theory]
    [InlineData(SiloStatus.Active, false, true)]
    [InlineData(SiloStatus.Joining, false, true)]
    [InlineData(SiloStatus.Dead, false, false)]
    [InlineData(SiloStatus.Dead, true, true)] // it is about to end by itself, and may take its time
    public void A_silo_is_alive_unless_the_cluster_gave_it_up(SiloStatus status, bool isStopping, bool isLive)
    {
        var lifetime = new Lifetime();
        if (isStopping)
            lifetime.StopApplication();
        Assert.Equal(isLive, new SiloHealth(lifetime, () => status, []).Live().Count == 0);
    }

    [Fact]
    public async Task A_silo_is_ready_between_its_start_and_its_stop_while_all_parts_work()
    {
        var works = true;
        var (status, lifetime) = (SiloStatus.Joining, new Lifetime());
        var part = Watch(_ => works ? Task.CompletedTask : Task.FromException(new UnavailableException("away")));
        var health = new SiloHealth(lifetime, () => status, [part]);
        Assert.Equal("silo: starting (Joining)", Assert.Single(await health.ReadyAsync()));
        Assert.Single(health.Startup());
        lifetime.Start();
        Assert.Empty(health.Startup());
        Assert.Equal("silo: Joining", Assert.Single(await health.ReadyAsync()));
        status = SiloStatus.Active;
        Assert.Empty(await health.ReadyAsync());
        works = false;
        _time.Advance(_options.HealthInterval);
        Assert.Equal("part: away", Assert.Single(await health.ReadyAsync()));
        lifetime.StopApplication();
        Assert.Equal("silo: stopping", Assert.Single(await health.ReadyAsync()));
    }

    private WatchedPart Watch(Func<CancellationToken, Task> probe) => new("part", probe, _options, _time);

    private sealed class Lifetime : IHostApplicationLifetime
    {
        private readonly CancellationTokenSource _started = new();
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => _started.Token;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void Start() => _started.Cancel();

        public void StopApplication() => _stopping.Cancel();
    }
}
