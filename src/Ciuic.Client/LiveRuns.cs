using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// The runs that this process has open. A program that ends without closing them, by its last line, an exit or an exception that nobody
/// catches, still has what it saved committed or kept; and the process is ended for a signal only when no other run needs it.
/// </summary>
internal static class LiveRuns
{
    private static readonly Lock Lock = new();
    private static readonly List<TrainingRun> Runs = [];
    private static bool s_isHooked;
    private static int s_code;
    private static volatile bool s_isEnding;

    /// <summary>Whether the process ends: its threads go on until it has, and no memory is freed under them.</summary>
    public static bool IsEnding => s_isEnding;

    public static void Add(TrainingRun run)
    {
        lock (Lock)
        {
            Runs.Add(run);
            if (s_isHooked)
                return;
            s_isHooked = true;
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => CloseAll();
        // Such an end runs neither the program's own clean-up nor the event above.
        AppDomain.CurrentDomain.UnhandledException += (_, _) => CloseAll();
    }

    /// <summary>Whether an attempt is one of this process, and not closed.</summary>
    public static bool Has(Guid attempt)
    {
        lock (Lock)
            return Runs.Any(r => r.Place.Attempt == attempt);
    }

    public static void Remove(TrainingRun run)
    {
        lock (Lock)
            Runs.Remove(run);
    }

    /// <summary>A run was told to end, and is closed.</summary>
    /// <param name="code">What became of it.</param>
    /// <returns>The code to end the process with, that of the first run that failed; null where others are open.</returns>
    public static int? Leave(int code)
    {
        lock (Lock)
        {
            if (s_code == ExitCode.Ok)
                s_code = code;
            return Runs.Count == 0 ? s_code : null;
        }
    }

    /// <summary>The process ends when this returns. It says on standard error what it waits for: a log may be gone by now.</summary>
    private static void CloseAll()
    {
        s_isEnding = true;
        TrainingRun[] runs;
        lock (Lock)
            runs = [.. Runs];
        Task.WhenAll(runs.Select(CloseAsync)).GetAwaiter().GetResult();
    }

    private static Task CloseAsync(TrainingRun run) => Task.Run(async () =>
    {
        if (run.UnfinishedSaves > 0)
            Say($"run {run.Id} has {run.UnfinishedSaves} saves on their way: the program ends when they are committed, or kept on this machine");
        foreach (var save in await run.CloseAsync())
            Say($"run {run.Id}: step {save.Step} {Words(save)}");
    });

    private static string Words(EndedSave save) => save.Outcome switch
    {
        SaveOutcome.Committed => $"is committed: {save.Detail}",
        SaveOutcome.Spooled => $"is not committed: {save.Detail}",
        _ => $"IS LOST: {save.Detail}",
    };

    private static void Say(string text)
    {
        try
        {
            Console.Error.WriteLine($"ciuic: {text}");
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Nobody reads it.
        }
    }
}
