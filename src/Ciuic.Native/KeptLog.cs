using System.Collections.Concurrent;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Native;

/// <summary>Keeps warnings and errors until the caller takes them: his language has a log of its own.</summary>
internal sealed class KeptLog : ILoggerFactory, ILogger
{
    /// <summary>Whoever never looks must not run out of memory.</summary>
    private const int Most = 1_000;

    private readonly ConcurrentQueue<LogLine> _lines = new();

    public LogLine[] Take()
    {
        var taken = new List<LogLine>();
        while (_lines.TryDequeue(out var line))
            taken.Add(line);
        return [.. taken];
    }

    public void AddProvider(ILoggerProvider provider)
    {
        // Lines are kept here and go nowhere else.
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        _lines.Enqueue(new LogLine(logLevel.ToString().ToLowerInvariant(), Printable.Text(formatter(state, exception))));
        while (_lines.Count > Most)
            _lines.TryDequeue(out _);
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
