using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// For programs that bring no logger: warnings and errors of this library go to standard error, one line each. Saves that fail without
/// a word would be found missing on the day they are needed.
/// </summary>
internal sealed class StandardErrorLoggers : ILoggerFactory
{
    private const string Ours = "Ciuic.";

    public ILogger CreateLogger(string categoryName) => new Lines(categoryName.StartsWith(Ours, StringComparison.Ordinal));

    public void AddProvider(ILoggerProvider provider)
    {
        // Who has one brings a factory.
    }

    public void Dispose()
    {
        // Standard error is the process's.
    }

    private sealed class Lines(bool isOurs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => isOurs && logLevel is >= LogLevel.Warning and < LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Console.Error.WriteLine($"ciuic {logLevel.ToString().ToLowerInvariant()}: {formatter(state, exception).ReplaceLineEndings(" ")}");
        }
    }
}
