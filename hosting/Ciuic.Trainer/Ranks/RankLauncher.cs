using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>
/// Starts the ranks of a run as processes of this machine, as torchrun does: where one of them fails, all end, and all begin again as
/// a new attempt.
/// </summary>
/// <param name="worldSize">Ranks.</param>
/// <param name="restarts">How often all may begin again.</param>
/// <param name="arguments">Of the trainer, the same for all.</param>
internal sealed class RankLauncher(int worldSize, int restarts, IReadOnlyList<string> arguments)
{
    private const string Threads = "OMP_NUM_THREADS";

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private volatile bool _isEnding;

    /// <summary>Runs the ranks to their end.</summary>
    /// <returns>0, or the exit code of the rank that failed first.</returns>
    public async Task<int> RunAsync()
    {
        for (var start = 0; ; start++)
        {
            var code = await RunOnceAsync();
            if (code == ExitCode.Ok || _isEnding || start == restarts)
                return code;
            Console.WriteLine($"A rank ended with code {code}; all begin again, restart {start + 1} of {restarts}.");
        }
    }

    private async Task<int> RunOnceAsync()
    {
        var (attempt, port) = (Guid.CreateVersion7().ToString(), FreePort());
        var ranks = Enumerable.Range(0, worldSize).Select(rank => Start(rank, attempt, port)).ToList();
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Forward);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Forward);
        try
        {
            return await UntilEndedAsync(ranks);
        }
        finally
        {
            foreach (var rank in ranks)
                await rank.DisposeAsync(); // by SIGKILL where it has not ended
        }

        void Forward(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _isEnding = true;
            ranks.ForEach(r => r.Terminate());
        }
    }

    private static async Task<int> UntilEndedAsync(List<ChildProcess> ranks)
    {
        var left = ranks.Select(r => r.WaitAsync(CancellationToken.None)).ToList();
        while (left.Count > 0)
        {
            var ended = await Task.WhenAny(left);
            if (await ended != ExitCode.Ok)
            {
                // The others notice by themselves that they are alone; some say so.
                await Task.WhenAny(Task.WhenAll(left), Task.Delay(EndPatience));
                return await ended;
            }

            left.Remove(ended);
        }

        return ExitCode.Ok;
    }

    private ChildProcess Start(int rank, string attempt, int port)
    {
        var variables = new Dictionary<string, string>
        {
            ["RANK"] = Number(rank),
            ["WORLD_SIZE"] = Number(worldSize),
            ["MASTER_ADDR"] = IPAddress.Loopback.ToString(),
            ["MASTER_PORT"] = Number(port),
            ["Ciuic__Ranks__Attempt"] = attempt,
        };
        // Ranks that each take all cores are in each other's way: measured, eight times slower. torchrun does the same.
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Threads)))
            variables[Threads] = "1";
        var process = ChildProcess.Start(
            ProgramFile.Self, arguments, line => Console.WriteLine(rank == 0 ? line : $"[rank {rank}] {line}"), variables);
        Console.WriteLine($"@rank {rank} {process.Id}");
        return process;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
