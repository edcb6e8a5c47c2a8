using System.Collections.Concurrent;
using System.Net;
using Ciuic.Trainer;

namespace Ciuic.Hosting.Tests;

/// <summary>A silo as its container would run it.</summary>
internal sealed class PublishedSilo : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly HttpClient _http;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly ChildProcess _process;

    public PublishedSilo(string program, IReadOnlyDictionary<string, string> environment)
    {
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{environment["Ciuic__Silo__HealthPort"]}"), Timeout = Patience };
        _process = ChildProcess.Start(program, [], _lines.Enqueue, environment);
    }

    public string Log => string.Join('\n', _lines);

    /// <summary>Asks it.</summary>
    /// <returns>The answer; code 0 where nobody listens.</returns>
    public async Task<(HttpStatusCode Code, string Text)> AskAsync(string path)
    {
        try
        {
            using var answer = await _http.GetAsync(path);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
        catch (HttpRequestException error)
        {
            return (0, error.Message);
        }
    }

    /// <summary>Asks until the answer is one that is waited for.</summary>
    /// <returns>All answers, the last one last.</returns>
    public async Task<IReadOnlyList<(HttpStatusCode Code, string Text)>> UntilAsync(string path, HttpStatusCode code, string text)
    {
        var answers = new List<(HttpStatusCode Code, string Text)>();
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            var answer = await AskAsync(path);
            answers.Add(answer);
            if (answer.Code == code && answer.Text.Contains(text, StringComparison.Ordinal))
                return answers;
            Assert.False(deadline.IsCancellationRequested, $"{path}: {answer}, and not {code} {text}.\n{Log}");
            await Task.Delay(200);
        }
    }

    public async Task<int> StopAsync()
    {
        _process.Terminate();
        using var deadline = new CancellationTokenSource(Patience);
        return await _process.WaitAsync(deadline.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _process.DisposeAsync();
    }
}
