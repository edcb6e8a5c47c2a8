using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>
/// Ledgers, as tools of transparency logs read them: checkpoint, tiles, entries, blocks. Whoever has a key may read them all: a ledger
/// is there to be seen.
/// </summary>
internal sealed class LedgerEndpoints(ICoordinator coordinator, IObjectStore store, ByteBudget budget)
{
    private const int PageSize = 1_000;

    /// <summary>What an object of a page takes of memory, and of the answer.</summary>
    private const int BytesOfOne = 512;

    private static readonly Comparer<ApiObject> ByPath = Comparer<ApiObject>.Create((a, b) => string.CompareOrdinal(a.Path, b.Path));

    private readonly ObjectAnswer _answer = new(store, budget);

    public void MapTo(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/ledgers/{ledger}", async http => await http.WriteAsync(
            await coordinator.DescribeLedgerAsync(NameOf(http), http.RequestAborted), ApiJson.Default.LedgerView)).Needs(AccessScope.Read)
            .Says("Its newest signed tree head and its keys.").Answers<LedgerView>();
        routes.MapGet("/ledgers/{ledger}/objects", ListAsync).Needs(AccessScope.Read)
            .Says("Its objects, by path.").Query("prefix", "What their paths begin with.", isNumber: false)
            .Query("cursor", "What the page before said comes next.", isNumber: false).Answers<ApiPage<ApiObject>>();
        routes.MapMethods("/ledgers/{ledger}/objects/{**path}", [HttpMethods.Get, HttpMethods.Head], http => _answer.SendAsync(
            http, BucketLayout.Tile(NameOf(http), Route.Value(http, "path")), isImmutable: false)).Needs(AccessScope.Read)
            .Says("One of them, as C2SP tlog-tiles has it: checkpoint, tiles of hashes, entries; and blocks.").AnswersBytes();
    }

    /// <summary>A name is one segment of a key: nothing else of the bucket is reached through it.</summary>
    private static string NameOf(HttpContext http) =>
        Route.Value(http, "ledger") is var name && ObjectKey.TryParse(name, out _) && !name.Contains('/', StringComparison.Ordinal)
            ? name
            : throw new InvalidInputException($"'{name}' is no ledger's name.");

    private async Task ListAsync(HttpContext http)
    {
        var prefix = $"{BucketLayout.LedgersPrefix}{NameOf(http)}/";
        var (after, begin) = (http.Request.Query["cursor"].ToString(), http.Request.Query["prefix"].ToString());
        if (begin.Length > 0 && !ObjectKey.TryParse(prefix + begin.TrimEnd('/'), out _))
            throw new InvalidInputException($"'{begin}' begins no object's path.");
        using var room = budget.Take(PageSize * BytesOfOne);
        var found = new SortedSet<ApiObject>(ByPath); // a page and one more, however long the ledger is
        await foreach (var there in store.ListAsync(prefix + begin, http.RequestAborted))
        {
            var path = there.Key.Path[prefix.Length..];
            if (string.CompareOrdinal(path, after) <= 0)
                continue;
            if (found.Count > PageSize && string.CompareOrdinal(path, found.Max!.Path) > 0)
                continue;
            found.Add(new ApiObject(path, there.Length));
            if (found.Count > PageSize + 1)
                found.Remove(found.Max!);
        }

        var page = found.Take(PageSize).ToArray();
        await http.WriteAsync(new ApiPage<ApiObject>(page, found.Count > page.Length ? page[^1].Path : null), ApiJson.Default.ApiPageApiObject);
    }
}
