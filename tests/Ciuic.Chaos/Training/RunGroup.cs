using System.Collections.Concurrent;
using System.Globalization;
using Ciuic.Trainer;

namespace Ciuic.Chaos;

/// <summary>The ranks of one run, started together; where one of them ends, all are killed and begin again as a new attempt.</summary>
internal sealed class RunGroup : IAsyncDisposable
{
    private static readonly TimeSpan BetweenStarts = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan EndPatience = TimeSpan.FromMinutes(2);

    private readonly int _worldSize;
    private readonly IReadOnlyList<string> _settings;
    private readonly Evidence _evidence;
    private readonly ConcurrentDictionary<int, ChildProcess> _ranks = [];
    private readonly Task _keeping;
    private volatile bool _isEnding;

    public RunGroup(string name, int worldSize, IReadOnlyList<string> settings, Evidence evidence)
    {
        (Name, _worldSize, _settings, _evidence) = (name, worldSize, settings, evidence);
        _keeping = Task.Run(KeepAsync);
    }

    public string Name { get; }

    /// <summary>How often all of them began.</summary>
    public int Attempts { get; private set; }

    /// <summary>SIGKILL for one of them, if it is there.</summary>
    public void Kill(int rank)
    {
        if (_ranks.TryGetValue(rank, out var process))
            process.Kill();
    }

    /// <summary>Told to end, they commit what is on its way.</summary>
    public async Task EndAsync()
    {
        _isEnding = true;
        foreach (var rank in _ranks.Values)
            rank.Terminate();
        await Task.WhenAny(_keeping, Task.Delay(EndPatience));
    }

    public async ValueTask DisposeAsync()
    {
        _isEnding = true;
        foreach (var rank in _ranks.Values)
            rank.Kill();
        await _keeping;
    }

    private async Task KeepAsync()
    {
        while (!_isEnding)
        {
            Attempts++;
            await RunOnceAsync(Guid.CreateVersion7().ToString());
            await Task.Delay(BetweenStarts);
        }
    }

    private async Task RunOnceAsync(string attempt)
    {
        await using var steps = new LockStep(_worldSize);
        for (var rank = 0; rank < _worldSize; rank++)
            _ranks[rank] = Start(rank, attempt, steps.Place);
        var all = _ranks.Values.Select(r => r.WaitAsync(CancellationToken.None)).ToList();
        await Task.WhenAny(all);
        if (!_isEnding)
        {
            foreach (var rank in _ranks.Values)
                rank.Kill();
        }

        await Task.WhenAll(all);
        foreach (var rank in _ranks.Values)
            await rank.DisposeAsync();
        _ranks.Clear();
    }

    private ChildProcess Start(int rank, string attempt, string steps) => ChildProcess.Start(
        typeof(RunGroup).Assembly.Location,
        ["worker", "--run", Name, .. _settings.SelectMany(s => (string[])["--set", s])],
        line => _evidence.Heard(Name, rank, line),
        new Dictionary<string, string>
        {
            ["Ciuic__Ranks__Rank"] = rank.ToString(CultureInfo.InvariantCulture),
            ["Ciuic__Ranks__WorldSize"] = _worldSize.ToString(CultureInfo.InvariantCulture),
            ["Ciuic__Ranks__Attempt"] = attempt,
            [LockStepMember.Variable] = steps,
        });
}
