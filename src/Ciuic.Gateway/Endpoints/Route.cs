using System.Globalization;
using Ciuic.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>What a request's path and query say, checked.</summary>
internal static class Route
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(20);

    public static RunId Run(this HttpContext http) => RunId.Parse(Value(http, "run"));

    public static SnapshotId Snapshot(this HttpContext http) => new(http.Run(), Sequence.TryParse(Value(http, "sequence"), null, out var sequence)
        ? sequence
        : throw new InvalidInputException($"'{Value(http, "sequence")}' is no sequence, a number from 1."));

    public static Rank Rank(this HttpContext http) =>
        int.TryParse(Value(http, "rank"), NumberStyles.None, CultureInfo.InvariantCulture, out var rank) && rank < Core.Rank.MaxWorldSize
            ? new Rank(rank)
            : throw new InvalidInputException($"'{Value(http, "rank")}' is no rank, a number from 0.");

    public static string Value(HttpContext http, string name) => http.GetRouteValue(name) as string ?? "";

    /// <summary>A number in the query.</summary>
    public static long Number(this HttpContext http, string name, long otherwise, long least, long most)
    {
        if (http.Request.Query[name].ToString() is not { Length: > 0 } text)
            return otherwise;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
            ? value
            : throw new InvalidInputException($"{name}={text}: a number from {least} to {most} is needed.");
    }

    /// <summary>How many seconds the answer may wait for something to happen.</summary>
    public static TimeSpan Wait(this HttpContext http) => TimeSpan.FromSeconds(http.Number("wait", 0, 0, (long)MaxWait.TotalSeconds));
}
