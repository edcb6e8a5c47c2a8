using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Loggers whose lines are <see cref="Printable"/>: reasons, labels, host names and messages of servers are in them, and whoever wrote
/// those must not write to the terminal or the log of whoever reads it.
/// </summary>
/// <param name="inner">Where the lines go; it is not disposed of.</param>
public sealed class PrintableLoggers(ILoggerFactory inner) : ILoggerFactory
{
    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new PrintableLogger(inner.CreateLogger(categoryName));

    /// <inheritdoc/>
    public void Dispose()
    {
        // Whoever made the inner one disposes of it.
    }

    private sealed class PrintableLogger(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            inner.Log(logLevel, eventId, state, exception, (s, e) => Printable.Text(formatter(s, e)));
    }
}
