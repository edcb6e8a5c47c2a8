using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Silo;

/// <summary>
/// Leaves out two warnings of the runtime that say nothing: whoever starts a silo for the first time reads them first. One asks for a garbage
/// collector that trades memory for throughput, which a silo does not need. The other reports a deadlock that is none: the runtime's
/// watchdog may look at its second thread before that thread's clock was started, and takes all the time since the machine was booted
/// for a silence. A silence that is longer than this process lives cannot be one; any other is passed on.
/// </summary>
internal sealed class FalseAlarms(ILoggerFactory inner, TimeProvider time) : ILoggerFactory
{
    private const string RuntimeCategory = "Orleans.";
    private const string Watchdog = "Watchdog";
    private const string Collector = "ServerGC";

    private readonly long _begin = time.GetTimestamp();

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public ILogger CreateLogger(string categoryName) => categoryName.StartsWith(RuntimeCategory, StringComparison.Ordinal)
        ? new Filtered(inner.CreateLogger(categoryName), this, categoryName.Contains(Watchdog, StringComparison.Ordinal))
        : inner.CreateLogger(categoryName);

    public void Dispose() => inner.Dispose();

    /// <summary>This object is made when the process starts, some seconds after it at most.</summary>
    private bool IsLongerThanWeLive(TimeSpan silence) => silence > time.GetElapsedTime(_begin) + TimeSpan.FromMinutes(1);

    private sealed class Filtered(ILogger inner, FalseAlarms alarms, bool isWatchdog) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel != LogLevel.Warning || !IsFalse(state, exception, formatter))
                inner.Log(logLevel, eventId, state, exception, formatter);
        }

        private bool IsFalse<TState>(TState state, Exception? exception, Func<TState, Exception?, string> formatter) => isWatchdog
            ? state is IEnumerable<KeyValuePair<string, object?>> values
                && values.Select(v => v.Value).OfType<TimeSpan>().Any(alarms.IsLongerThanWeLive)
            : formatter(state, exception).Contains(Collector, StringComparison.Ordinal);
    }
}
