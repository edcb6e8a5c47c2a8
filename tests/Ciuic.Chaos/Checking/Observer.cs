using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Chaos;

/// <summary>Listens to all events and reads snapshots whole, while everything around is broken.</summary>
internal sealed class Observer(SnapshotChain chain, IReadOnlyList<RunGroup> runs, Evidence evidence)
{
    private static readonly TimeSpan BetweenReads = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(20);

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(ListenAsync(cancel), ReadAsync(cancel));

    private async Task ListenAsync(CancellationToken cancel)
    {
        try
        {
            await foreach (var happened in chain.Events.FollowAllAsync(null, cancel))
                evidence.Heard(happened);
        }
        catch (OperationCanceledException)
        {
            // Nobody listens any more.
        }
    }

    private async Task ReadAsync(CancellationToken cancel)
    {
        for (var i = 0; !cancel.IsCancellationRequested; i++)
        {
            await Task.Delay(BetweenReads, CancellationToken.None);
            await TryReadAsync(runs[i % runs.Count].Name, cancel);
        }
    }

    private async Task TryReadAsync(string run, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(ReadPatience);
        try
        {
            using var saved = await chain.ReadAsync(run, new SnapshotRef.Latest(), [KnownState.ItemName], deadline.Token);
            var isRight = await Task.Run(() => KnownState.IsRight(run, saved.Manifest.Step, saved.Items.Single()), CancellationToken.None);
            evidence.Saw(new Seen(run, saved.Manifest.Step, saved.Link.Sequence.Value, saved.Link.Manifest.ToString(), isRight));
        }
        catch (Exception error) when (error is UnavailableException or NotFoundException or OperationCanceledException)
        {
            // Nothing can be read just now, or there is nothing yet; whatever is read must be right.
        }
    }
}
