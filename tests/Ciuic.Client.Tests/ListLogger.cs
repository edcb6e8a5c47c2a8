using Microsoft.Extensions.Logging;

namespace Ciuic.Client.Tests;

/// <summary>Keeps what is logged.</summary>
internal sealed class ListLogger : ILoggerFactory, ILogger
{
    private readonly List<string> _lines = [];

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

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
            _lines.Add(formatter(state, exception));
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
