using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Ciuic.Gateway;

/// <summary>What is in snapshots, for those who have no client of ours: items, files to load elsewhere, what to read, what it takes.</summary>
internal sealed class ContentEndpoints(
    ICoordinator coordinator, ChainHistory history, IObjectStore store, string ledger, ShardShelf shelf)
{
    private const int MaxNames = 10_000;
    private const int Readers = 2;

    /// <summary>What whoever reads a file or manifests may take of memory, and how many may: uploads have room of their own.</summary>
    private const long ReadingBytes = 64L << 20;
    private const int ReadingAtOnce = 4;
    private const int FilesAtOnce = 8;

    /// <summary>Whoever takes a file more slowly holds a place that others wait for.</summary>
    private static readonly MinDataRate SlowestFile = new(bytesPerSecond: 64 << 10, gracePeriod: TimeSpan.FromSeconds(10));

    private readonly ByteBudget _room = new(ReadingBytes * ReadingAtOnce);
    private readonly ByteBudget _files = new(ReadingBytes * FilesAtOnce);
    private readonly SnapshotManifests _manifests = new(store, coordinator);
    private readonly SnapshotProofs _proofs = new(new LedgerBucket(store, ledger), TlogPolicy.Alone(), null);
    private readonly LedgerWatch _ledger = new(new LedgerBucket(store, ledger), TlogPolicy.Alone(), null);

    public void MapTo(IEndpointRouteBuilder routes)
    {
        var run = routes.MapGroup("/runs/{run}");
        run.MapGet("usage", MeasureAsync).Needs(AccessScope.Read)
            .Says("How much its committed snapshots take. Reads all their manifests.").Answers<StorageUsage>();
        run.MapPost("chunks:missing", FindMissingAsync).Needs(AccessScope.Write)
            .Says("Which objects have to be sent before a shard may list them.").Takes<MissingRequest>().Answers<MissingAnswer>();
        var snapshot = run.MapGroup("snapshots/{reference}");
        snapshot.MapGet("plan", PlanAsync).Needs(AccessScope.Read)
            .Says("What has to be read to restore it, or a rank's part of it.").Query("rank", "The rank.").Answers<RestorePlan>();
        snapshot.MapGet("proof", ProveAsync).Needs(AccessScope.Read)
            .Says("The proof that it is in the ledger, a C2SP tlog-proof: public keys alone check it, offline.").AnswersBytes();
        snapshot.MapGet("items", ListAsync).Needs(AccessScope.Read)
            .Says("What it holds.").Answers<ApiPage<ApiItem>>();
        snapshot.MapGet("items/{item}.safetensors", SendAsync).Needs(AccessScope.Read)
            .Says("An item's tensors as a safetensors file, every byte checked.").AnswersBytes();
    }

    /// <summary>That a chunk is there at all is told to nobody: it would tell what others have.</summary>
    private async Task FindMissingAsync(HttpContext http)
    {
        var names = (await http.ReadAsync(ApiJson.Default.MissingRequest)).Names;
        if (names.Length > MaxNames)
            throw new InvalidInputException($"{names.Length} names; at most {MaxNames} are taken at once.");
        var head = (await coordinator.DescribeAsync(http.Run(), http.RequestAborted))?.Head;
        var there = head is null
            ? new HashSet<string>()
            : await shelf.ObjectsOfAsync(new SnapshotId(http.Run(), head.Sequence), http.RequestAborted);
        await http.WriteAsync(new MissingAnswer([.. names.Where(n => !there.Contains(n))]), ApiJson.Default.MissingAnswer);
    }

    private async Task MeasureAsync(HttpContext http)
    {
        using var room = _room.Take(ReadingBytes);
        var run = (await history.DescribeAsync(http.Run(), http.RequestAborted)).Run;
        await http.WriteAsync(await _manifests.MeasureAsync(run, http.RequestAborted), ApiJson.Default.StorageUsage);
    }

    private async Task PlanAsync(HttpContext http)
    {
        using var room = _room.Take(ReadingBytes);
        var rank = http.Number("rank", -1, 0, Rank.MaxWorldSize - 1);
        await http.WriteAsync(
            await _manifests.PlanAsync(await FindAsync(http), rank < 0 ? null : (int)rank, http.RequestAborted), ApiJson.Default.RestorePlan);
    }

    private async Task ProveAsync(HttpContext http)
    {
        using var room = _room.Take(ReadingBytes);
        var view = await FindAsync(http);
        if (view is not { Link: { } link, Position: { } position })
            throw new NotFoundException($"Snapshot #{view.Sequence} of run {view.Run} is not committed, so there is nothing to prove.");
        // By its place: the silo's word for that is checked by the proof itself, and a long ledger is not read for it.
        var proof = (await _proofs.ProveAsync(link.Manifest, position, http.RequestAborted)).Encode();
        http.Response.ContentType = "application/octet-stream";
        http.Response.ContentLength = proof.Length;
        await http.Response.Body.WriteAsync(proof, http.RequestAborted);
    }

    private async Task ListAsync(HttpContext http)
    {
        using var room = _room.Take(ReadingBytes);
        using var snapshot = await OpenAsync(http, []);
        var items = snapshot.Items.Select(i => new ApiItem(
            i.Item, [.. i.Tensors.Values.Select(t => new ApiTensor(t.Name, t.DType.Name(), [.. t.Shape], t.Length))], [.. i.ByteNames]));
        await http.WriteAsync(new ApiPage<ApiItem>([.. items], null), ApiJson.Default.ApiPageApiItem);
    }

    private async Task SendAsync(HttpContext http)
    {
        using var room = _files.Take(ReadingBytes);
        var name = Route.Value(http, "item");
        using var snapshot = await OpenAsync(http, [name]);
        var item = snapshot.Items.FirstOrDefault(i => i.Item == name) ?? throw new NotFoundException($"The snapshot has no item '{name}'.");
        if (item.Tensors.Count == 0)
        {
            throw new NotFoundException(
                $"'{name}' has no tensors, only bytes ({string.Join(", ", item.ByteNames)}), which safetensors files do not have: restore it "
                + "with a client.");
        }

        var file = new SafetensorsFile(item, MetadataOf(snapshot, item));
        http.Response.ContentType = "application/octet-stream";
        http.Response.ContentLength = file.Length;
        http.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) // HTTP/2 has none of its own
            rate.MinDataRate = SlowestFile;
        // Reading checks and decodes on its thread; between two tensors the key is looked at again.
        await Task.Run(() => file.WriteTo(http.Response.Body, () => http.RequireStillGoodAsync().GetAwaiter().GetResult()), http.RequestAborted);
    }

    private static Dictionary<string, string> MetadataOf(SavedSnapshot snapshot, SavedItem item)
    {
        var metadata = new Dictionary<string, string>
        {
            ["run"] = $"{snapshot.Manifest.Run}",
            ["manifest"] = $"{snapshot.Link.Manifest}",
        };
        if (item.ByteNames.Count > 0)
            metadata["left_out"] = string.Join(", ", item.ByteNames); // nobody shall take the file for the whole item
        return metadata;
    }

    private async Task<SavedSnapshot> OpenAsync(HttpContext http, string[] parts)
    {
        var view = await FindAsync(http);
        return await new SnapshotReading(store, _ledger, Readers).OpenAsync(
            view.Run, SnapshotManifests.LinkOf(view), view.Position, new PartPatterns(parts), http.RequestAborted);
    }

    private Task<SnapshotView> FindAsync(HttpContext http) => history.FindAsync(http.Run(), ReferenceOf(http), http.RequestAborted);

    private static SnapshotRef ReferenceOf(HttpContext http) => Route.Value(http, "reference") is var said && Sequence.TryParse(said, null, out var sequence)
        ? new SnapshotRef.AtSequence(sequence)
        : SnapshotRef.Parse(said);
}
