using Orleans;

namespace Ciuic.Testing;

/// <summary>
/// Says when calls have arrived at their grains: calls of one client need not arrive in the order in which they were made. What arrives
/// runs on without a pause until the grain first waits for something, so that whoever calls the same activation afterwards finds it waiting.
/// </summary>
public sealed class ArrivedCalls : IIncomingGrainCallFilter
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskCompletionSource> _awaited = [];

    public Task Invoke(IIncomingGrainCallContext context)
    {
        Of(context.MethodName).TrySetResult();
        return context.Invoke();
    }

    /// <summary>Completes when a first call of a method has arrived.</summary>
    public Task FirstAsync(string method) => Of(method).Task.WaitAsync(TimeSpan.FromSeconds(60));

    private TaskCompletionSource Of(string method)
    {
        lock (_lock)
        {
            if (!_awaited.TryGetValue(method, out var arrived))
                _awaited[method] = arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return arrived;
        }
    }
}
