using System.Diagnostics;
using System.Globalization;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Chaos;

/// <summary>A rank was told that a snapshot is committed.</summary>
internal sealed record Acknowledged(string Run, int Rank, long Step, long Sequence, string Manifest, TimeSpan At);

/// <summary>Somebody was given a snapshot: a rank that resumed, or a reader.</summary>
internal sealed record Seen(string Run, long Step, long Sequence, string Manifest, bool IsRight);

/// <summary>Something was broken.</summary>
internal sealed record Broken(FaultKind Kind, TimeSpan At);

/// <summary>Everything that anybody was told, kept outside of what is told about.</summary>
/// <param name="logs">A folder that keeps what ranks print; null for none.</param>
internal sealed class Evidence(string? logs)
{
    private const int KeptLines = 200;

    private readonly Lock _lock = new();
    private readonly long _begin = Stopwatch.GetTimestamp();
    private readonly List<Acknowledged> _acknowledged = [];
    private readonly List<Seen> _seen = [];
    private readonly List<Broken> _broken = [];
    private readonly Dictionary<string, List<long>> _events = [];
    private readonly Queue<string> _chatter = [];
    private int _failed;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_begin);

    public IReadOnlyList<Acknowledged> Acknowledgements => Copy(_acknowledged);

    public IReadOnlyList<Seen> Snapshots => Copy(_seen);

    public IReadOnlyList<Broken> Faults => Copy(_broken);

    /// <summary>Saves that ranks were told have failed.</summary>
    public int FailedSaves => _failed;

    /// <summary>The last lines that were no facts.</summary>
    public IReadOnlyCollection<string> Chatter
    {
        get
        {
            lock (_lock)
                return [.. _chatter];
        }
    }

    /// <summary>A line of a rank.</summary>
    public void Heard(string run, int rank, string line)
    {
        var words = line.Split(' ');
        var at = $"{DateTime.UtcNow:HH:mm:ss.fff} {Elapsed:mm\\:ss} {run}/{rank} {line}";
        lock (_lock)
        {
            if (logs is not null)
                File.AppendAllText(Path.Combine(logs, "ranks.log"), $"{at}{Environment.NewLine}");
            switch (words)
            {
                case ["@committed", var step, var sequence, var manifest]:
                    _acknowledged.Add(new Acknowledged(run, rank, Number(step), Number(sequence), manifest, Elapsed));
                    break;
                case ["@resumed", var step, var sequence, var manifest, var verdict]:
                    _seen.Add(new Seen(run, Number(step), Number(sequence), manifest, verdict == "right"));
                    break;
                default:
                    _failed += words[0] == "@failed" ? 1 : 0;
                    _chatter.Enqueue(at);
                    if (_chatter.Count > KeptLines)
                        _chatter.Dequeue();
                    break;
            }
        }
    }

    /// <summary>A reader was given a snapshot.</summary>
    public void Saw(Seen seen)
    {
        lock (_lock)
            _seen.Add(seen);
    }

    public void Broken(FaultKind kind, TimeSpan at)
    {
        lock (_lock)
            _broken.Add(new Broken(kind, at));
    }

    /// <summary>A listener was told of an event.</summary>
    public void Heard(RunEvent happened)
    {
        lock (_lock)
        {
            if (!_events.TryGetValue(happened.Run.Value, out var numbers))
                _events[happened.Run.Value] = numbers = [];
            numbers.Add(happened.Number);
        }
    }

    /// <summary>Numbers of the events that the listener was told of a run, in that order.</summary>
    public IReadOnlyList<long> EventsOf(string run)
    {
        lock (_lock)
            return [.. _events.GetValueOrDefault(run, [])];
    }

    private List<T> Copy<T>(List<T> list)
    {
        lock (_lock)
            return [.. list];
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
