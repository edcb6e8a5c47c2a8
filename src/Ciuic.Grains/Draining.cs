using Ciuic.Core;
using Microsoft.Extensions.Hosting;

namespace Ciuic.Grains;

/// <summary>
/// Calls that wait for something keep their activation, and whoever asks it meanwhile waits with them: none may wait on when the
/// silo has been told to end. The runtime tells activations only after their calls have ended, so this listens to the host.
/// </summary>
internal sealed class Draining : IDisposable
{
    /// <summary>What a call waits for all the same: callers that ask again at once must not spin.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _registration;

    public Draining(IHostApplicationLifetime host)
    {
        Token = host.ApplicationStopping;
        _registration = Token.Register(() => _begun.TrySetResult());
    }

    /// <summary>Ends work that takes long, and that another silo can do.</summary>
    public CancellationToken Token { get; }

    /// <summary>Completes when the silo has been told to end.</summary>
    public Task Begun => _begun.Task;

    /// <summary>Waits for something, no longer than patience allows; for a moment only where the silo is about to end.</summary>
    public async Task WaitAsync(Task awaited, TimeSpan patience, TimeProvider time)
    {
        if (Begun.IsCompleted && patience > Moment)
            patience = Moment;
        using var done = new CancellationTokenSource();
        var elapsed = Task.Delay(patience, time, done.Token);
        await (Begun.IsCompleted ? Task.WhenAny(awaited, elapsed) : Task.WhenAny(awaited, elapsed, Begun));
        await done.CancelAsync(); // a timer for each call that was answered long ago is memory
    }

    /// <summary>What is told to somebody whose call ends by it.</summary>
    public static UnavailableException Leaving() => new("This silo is about to end; ask again, and another one answers.");

    public void Dispose() => _registration.Dispose();
}
