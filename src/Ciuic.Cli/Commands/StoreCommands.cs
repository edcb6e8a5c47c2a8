using System.CommandLine;
using System.Globalization;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Storage.S3;

namespace Ciuic.Cli;

/// <summary><c>ciuic store check</c>: whether a bucket keeps the promises that everything else stands on.</summary>
internal static class StoreCommands
{
    private const string Kept = "kept";
    private const string Broken = "BROKEN";
    private const string NotTried = "not tried";

    public static Command Create(CommandOutput output) => new("store", "Looks at the bucket itself.") { Check(output) };

    private static Command Check(CommandOutput output)
    {
        var store = new Option<string?>("--store")
        {
            Description = "The bucket: file:PATH, s3://BUCKET/PREFIX or webhdfs://HOST:PORT/PATH; default: Ciuic:Store:Uri.",
        };
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command(
            "check",
            "Tries on the bucket what every store must do: it writes below probe/, about 60 MB in 1,200 objects, and deletes that again (file systems keep the empty folders). "
            + "Exit code 20 where a promise is not kept.")
        {
            store, json, set,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            string[] named = parsed.GetValue(store) is { } uri ? [$"{StoreSchemes.Section}:Uri={uri}"] : [];
            var opened = await new StoreSchemes(new S3Scheme()).OpenAsync(SettingsFile.Read([.. parsed.GetValue(set)!, .. named]), cancel);
            try
            {
                return await CheckAsync(output, opened, parsed.GetValue(json), cancel);
            }
            finally
            {
                (opened as IDisposable)?.Dispose();
            }
        });
        return command;
    }

    private static async Task<int> CheckAsync(CommandOutput output, IObjectStore store, bool json, CancellationToken cancel)
    {
        var results = new List<StoreCheckView>();
        foreach (var check in StoreChecks.All)
        {
            output.WriteProgress($"{results.Count + 1} of {StoreChecks.All.Count}: {check.Name}");
            results.Add(await TryAsync(output, store, check, cancel));
        }

        if (json)
            output.WriteJson(new { store = store.Location, fit = results.All(r => r.Result == Kept), checks = results });
        else
            Write(output, store, results);
        return results.Any(r => r.Result == Broken) ? ExitCode.Integrity
            : results.Any(r => r.Result == NotTried) ? ExitCode.Unreachable
            : ExitCode.Ok;
    }

    private static async Task<StoreCheckView> TryAsync(CommandOutput output, IObjectStore store, StoreCheck check, CancellationToken cancel)
    {
        var begin = TimeProvider.System.GetTimestamp();
        var place = new CheckPlace(store, $"probe/{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}/");
        var (result, why) = (Kept, (string?)null);
        try
        {
            await check.RunAsync(place, cancel);
        }
        catch (CorruptException error)
        {
            (result, why) = (Broken, error.Message);
        }
        catch (UnavailableException error)
        {
            (result, why) = (NotTried, error.Message);
        }
        finally
        {
            await TryClearAsync(output, place);
        }

        return new StoreCheckView(check.Name, result, why, TimeProvider.System.GetElapsedTime(begin).TotalSeconds);
    }

    private static async Task TryClearAsync(CommandOutput output, CheckPlace place)
    {
        try
        {
            await place.ClearAsync(CancellationToken.None);
        }
        catch (UnavailableException error)
        {
            output.Warn($"what was written could not be deleted: {error.Message}");
        }
    }

    private static void Write(CommandOutput output, IObjectStore store, List<StoreCheckView> results)
    {
        output.WriteTable(
            ["RESULT", "PROMISE", "SECONDS"],
            results.Select(r => (string[])[
                r.Result,
                r.Why is null ? r.Promise : $"{r.Promise}: {r.Why}",
                r.Seconds.ToString("0.00", CultureInfo.InvariantCulture)]));
        output.WriteLine(results.All(r => r.Result == Kept) ? $"{store.Location} is fit for use."
            : results.Any(r => r.Result == Broken) ? $"{store.Location} is NOT fit for use: history would not be safe there."
            : $"{store.Location} did not answer well enough to say.");
    }

    /// <summary>How one check ended.</summary>
    /// <param name="Promise">What was tried.</param>
    /// <param name="Result">Kept, broken or not tried.</param>
    /// <param name="Why">How it was broken, or why not tried.</param>
    /// <param name="Seconds">How long it took, with the deleting.</param>
    private sealed record StoreCheckView(string Promise, string Result, string? Why, double Seconds);
}
