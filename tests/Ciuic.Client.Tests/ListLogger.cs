using Microsoft.Extensions.Logging;

namespace Ciuic.Client.Tests;

/// <summary>Keeps what is logged.</summary>
internal sealed class ListLogger : ILoggerFactory, ILogger
{
    private readonly List<string> _lines = [];
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];

    public void AddProvider(ILoggerProvider provider)
    {
        // Lines are kept here and go nowhere else.
    }

    public ILogger CreateLogger(string categoryName) => this;

    public bool Contains(string text)
    {
        lock (_lines)
            return _lines.Any(l => l.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Ends when a line with this text has come.</summary>
    public Task UntilAsync(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lines)
        {
            _awaited.Add((text, seen));
            _lines.ForEach(Tell);
        }

        return seen.Task;
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
        {
            _lines.Add(formatter(state, exception));
            Tell(_lines[^1]);
        }
    }

    private void Tell(string line)
    {
        foreach (var (text, seen) in _awaited)
        {
            if (line.Contains(text, StringComparison.Ordinal))
                seen.TrySetResult();
        }
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
