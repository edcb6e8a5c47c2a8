using System.Collections.Concurrent;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>A program of this repository, or another one, run as a process; its lines are kept.</summary>
internal sealed class ProgramRun : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(4);

    private readonly ConcurrentQueue<string> _lines = [];
    private readonly ChildProcess _process;

    private ProgramRun(string project, string name, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        _process = ChildProcess.Start(ProgramFile.Find(project, name), arguments, _lines.Enqueue, environment);

    private ProgramRun(string program, IEnumerable<string> arguments) =>
        _process = ChildProcess.StartNative(program, arguments, _lines.Enqueue);

    public IReadOnlyCollection<string> Lines => _lines;

    public string Text => string.Join('\n', _lines);

    public static ProgramRun Silo(params IEnumerable<string> arguments) => new("Ciuic.Silo", "Ciuic.Silo", arguments);

    public static ProgramRun Trainer(params IEnumerable<string> arguments) => new("Ciuic.Trainer", "Ciuic.Trainer", arguments);

    public static ProgramRun Cli(params IEnumerable<string> arguments) => new("Ciuic.Cli", "ciuic", arguments);

    public static ProgramRun Of(string project, params IEnumerable<string> arguments) => new(project, project, arguments);

    public static ProgramRun Of(string project, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment) =>
        new(project, project, arguments, environment);

    public static ProgramRun Native(string program, params IEnumerable<string> arguments) => new(program, arguments);

    public void Kill() => _process.Kill();

    public void Terminate() => _process.Terminate();

    public void Interrupt() => _process.Interrupt();

    public Task<int> ExitAsync() => ExitAsync(Deadline);

    public async Task<int> ExitAsync(TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience);
        return await _process.WaitAsync(deadline.Token);
    }

    public async Task UntilAsync(Func<string, bool> line)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var ended = _process.WaitAsync(deadline.Token);
        while (!_lines.Any(line))
        {
            if (ended.IsCompletedSuccessfully && !_lines.Any(line))
                throw new InvalidOperationException($"It ended, code {ended.Result}, without the line. The last ones:\n{string.Join('\n', _lines.TakeLast(40))}");
            if (deadline.IsCancellationRequested)
                throw new TimeoutException($"The line did not come within {Deadline}. The last ones:\n{string.Join('\n', _lines.TakeLast(40))}");
            await Task.Delay(20);
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
