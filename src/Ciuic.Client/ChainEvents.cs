using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// The events of runs, each of them once and in the order of its run, whichever silos die meanwhile: they are read from the runs'
/// history, and a call that waits for the next one only says when to look. A listener that has been away goes on from the number that
/// it remembers.
/// </summary>
public sealed class ChainEvents
{
    private const int PageSize = 1_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A silo that was declared dead and does not know it yet may answer from what it remembers. It learns of it within seconds; only a
    /// run that stays behind was rebuilt.
    /// </summary>
    private static readonly TimeSpan Lingering = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(2);

    private readonly AwaitedCluster _cluster;
    private readonly TimeProvider _time;

    internal ChainEvents(AwaitedCluster cluster, TimeProvider time) => (_cluster, _time) = (cluster, time);

    internal ChainEvents(ICoordinator coordinator, TimeProvider time)
        : this(AwaitedCluster.Of(coordinator), time)
    {
    }

    /// <summary>Follows a run, also one that is not there yet, for ever. While no silo answers, nothing comes.</summary>
    /// <param name="run">The run.</param>
    /// <param name="from">The first event's number, from 1.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    /// <exception cref="CorruptException">
    /// The run was rebuilt from its ledger: its numbers were given anew. Read its history again.
    /// </exception>
    public async IAsyncEnumerable<RunEvent> FollowAsync(
        RunId run, long from = 1, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        var (backoff, behindSince) = (new Backoff(_time), (long?)null);
        for (var next = from; ;)
        {
            var last = await PatientlyAsync(c => c.WaitEventAsync(run, next, Patience, cancel));
            // Also where nothing came: what waits may have been left behind, and a page that is not full was looked for in the database.
            var known = last < next ? PageSize : (int)Math.Min(PageSize, last - next + 1);
            var page = await PatientlyAsync(c => c.ReadEventsAsync(run, next, known, cancel));
            if (page.Length > 0 && page[0].Number == next)
            {
                behindSince = null;
                foreach (var happened in page.TakeWhile((e, i) => e.Number == page[0].Number + i))
                {
                    next++;
                    yield return happened;
                }
            }
            else if (page.Length > 0 || last != next - 1)
            {
                await LookAsync(next, page.Length > 0 ? page[0].Number : await NewestAsync());
            }
        }

        async Task<long> NewestAsync() => (await PatientlyAsync(c => c.DescribeAsync(run, cancel)))?.LastEvent ?? 0;

        async Task LookAsync(long next, long there)
        {
            // Where nothing is to come yet, only the wait was answered from the past.
            behindSince = there == next - 1 ? null : behindSince ?? _time.GetTimestamp();
            if (behindSince is { } since && _time.GetElapsedTime(since) > Lingering)
                throw Rebuilt(run, next - 1, there);
            await Task.Delay(BetweenLooks, _time, cancel);
        }

        Task<T> PatientlyAsync<T>(Func<ICoordinator, Task<T>> ask) =>
            backoff.UntilAvailableAsync(async () => await ask(await _cluster.GetAsync(cancel)), _ => { }, cancel);
    }

    /// <summary>Follows all runs, also those that begin later, for ever.</summary>
    /// <param name="from">The first event's number of runs that were followed before; null, and for all others: 1.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    /// <exception cref="CorruptException">A run was rebuilt from its ledger, and with it all: read their history again.</exception>
    public async IAsyncEnumerable<RunEvent> FollowAllAsync(
        IReadOnlyDictionary<RunId, long>? from = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var events = Channel.CreateBounded<RunEvent>(PageSize);
        var finding = FindRunsAsync(from ?? new Dictionary<RunId, long>(), events.Writer, ending.Token);
        try
        {
            await foreach (var happened in events.Reader.ReadAllAsync(cancel))
                yield return happened;
        }
        finally
        {
            await ending.CancelAsync();
            await ((Task)finding).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FindRunsAsync(IReadOnlyDictionary<RunId, long> from, ChannelWriter<RunEvent> events, CancellationToken cancel)
    {
        var (backoff, followed) = (new Backoff(_time), new Dictionary<RunId, Task>());
        try
        {
            while (true)
            {
                var runs = await backoff.UntilAvailableAsync(
                    async () => await (await _cluster.GetAsync(cancel)).ListRunsAsync(cancel), _ => { }, cancel);
                foreach (var run in runs)
                {
                    if (!followed.ContainsKey(run))
                        followed[run] = ForwardAsync(run, from.GetValueOrDefault(run, 1), events, cancel);
                }

                var failed = followed.Values.FirstOrDefault(f => f.IsFaulted);
                await (failed ?? Task.Delay(BetweenLooks, _time, cancel));
            }
        }
        catch (Exception error)
        {
            events.TryComplete(error);
            await Task.WhenAll(followed.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ForwardAsync(RunId run, long from, ChannelWriter<RunEvent> events, CancellationToken cancel)
    {
        await foreach (var happened in FollowAsync(run, from, cancel))
            await events.WriteAsync(happened, cancel);
    }

    private static CorruptException Rebuilt(RunId run, long seen, long there) => new(
        $"Run {run} has no event behind {seen}, the newest is {there}: it was rebuilt from its ledger and its numbers were given anew, or there "
        + "never was such a number; read its history again.");
}
