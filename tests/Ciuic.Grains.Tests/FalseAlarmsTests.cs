using Ciuic.Client;
using Ciuic.Silo;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>What a silo's log leaves out, and what it must not.</summary>
public sealed class FalseAlarmsTests
{
    private const string Watchdog = "Orleans.Runtime.Watchdog";
    private const string Silence = "Participant check thread has not completed for {ElapsedTime}, potentially indicating a deadlock";

    private readonly FakeTimeProvider _time = new();
    private readonly Lines _lines = new();

    [Theory]
    [InlineData("00:21:00", false)]
    [InlineData("00:00:20", true)]
    public void A_silence_is_reported_unless_it_is_longer_than_the_silo_lives(string silence, bool isReported)
    {
        var logger = New(Watchdog);
        _time.Advance(TimeSpan.FromSeconds(30));
        logger.LogWarning(Silence, TimeSpan.Parse(silence, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(isReported, _lines.Said.Count == 1);
    }

    [Fact]
    public void A_silence_of_a_silo_that_has_lived_longer_is_reported()
    {
        var logger = New(Watchdog);
        _time.Advance(TimeSpan.FromHours(1));
        logger.LogWarning(Silence, TimeSpan.FromMinutes(21));
        Assert.Single(_lines.Said);
    }

    [Fact]
    public void Advice_on_garbage_collectors_is_left_out_and_everything_else_is_not()
    {
        var logger = New("Orleans.Hosting.SiloHostedService");
        logger.LogWarning("Note: Silo not running with ServerGC turned on - recommend checking app config");
        logger.LogWarning("another warning");
        logger.LogError("ServerGC in an error");
        New("Ciuic.Grains").LogWarning("of ours about ServerGC");
        Assert.Equal(["another warning", "ServerGC in an error", "of ours about ServerGC"], _lines.Said);
    }

    [Fact]
    public void What_others_have_written_is_printable_in_a_line()
    {
        new PrintableLoggers(_lines).CreateLogger("any").LogWarning("because {Reason}", "\u001b[2J\u202e");
        Assert.Equal(@"because \u001B[2J\u202E", Assert.Single(_lines.Said));
    }

    private ILogger New(string category) => new FalseAlarms(_lines, _time).CreateLogger(category);

    private sealed class Lines : ILoggerFactory, ILogger
    {
        public List<string> Said { get; } = [];

        public void AddProvider(ILoggerProvider provider)
        {
            // There are none.
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Said.Add(formatter(state, exception));

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
