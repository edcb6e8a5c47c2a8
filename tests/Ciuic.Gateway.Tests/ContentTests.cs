using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using Ciuic.Client;
using Ciuic.Client.Tests;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Gateway.Tests;

/// <summary>What is in snapshots, without a client of ours.</summary>
public sealed class ContentTests(GatewayCluster gateway) : IClassFixture<GatewayCluster>
{
    [Fact]
    public async Task An_item_is_a_safetensors_file()
    {
        var key = await gateway.NewKeyAsync();
        var weights = await SaveAsync(key, "files", 1);
        using var http = gateway.Http(key);
        var file = await http.GetByteArrayAsync("runs/files/snapshots/latest/items/model.safetensors");
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        Assert.Equal(0, length % 8);
        var header = JsonDocument.Parse(file.AsMemory(8, length)).RootElement;
        Assert.Equal("files", header.GetProperty("__metadata__").GetProperty("run").GetString());
        var tensor = header.GetProperty("weights");
        Assert.Equal(("F32", "[300,100]", "[0,120000]"), (
            tensor.GetProperty("dtype").GetString(), tensor.GetProperty("shape").GetRawText(), tensor.GetProperty("data_offsets").GetRawText()));
        Assert.Equal(MemoryMarshal.AsBytes(weights.AsSpan()).ToArray(), file[(8 + length)..]);

        var listed = Assert.Single((await http.GetFromJsonAsync("runs/files/snapshots/1/items", ApiJson.Default.ApiPageApiItem))!.Items);
        Assert.Equal(("model", "weights", 120_000), (listed.Item, listed.Tensors[0].Name, listed.Tensors[0].Length));
    }

    [Theory]
    [InlineData(8 << 20)]
    [InlineData(100_000)]
    [InlineData(100)]
    public async Task What_several_ranks_have_saved_is_one_tensor_in_a_file(int blockBytes)
    {
        var (key, run, attempt) = (await gateway.NewKeyAsync(), RunId.Parse($"ranks-{blockBytes}"), Guid.NewGuid());
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async rank =>
        {
            var model = new RankModel(rank, 3);
            await using var chain = gateway.Chain(key);
            await using var training = await chain.OpenRunAsync(run, new RankPlace(new Rank(rank), 3, attempt, Guid.NewGuid()), CancellationToken.None);
            await model.TrackIn(training).ResumeAsync();
            model.Train(1);
            await (await training.SaveAsync(new TrainingProgress(1, 0, 1))).Committed;
        }));
        await using var reading = gateway.Chain(key);
        using var snapshot = await reading.ReadAsync(run.Value, new SnapshotRef.Latest(), ["optimizer"]);
        using var written = new MemoryStream();
        var file = new SafetensorsFile(snapshot.Items[0], new Dictionary<string, string>(), blockBytes);
        file.WriteTo(written, () => { });
        Assert.Equal(file.Length, written.Length);
        var bytes = written.ToArray();
        Assert.Equal(RankModel.At(1, RankModel.Whole, "moment"), bytes[(8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes))..]);
    }

    [Theory]
    [InlineData("snapshots/latest/items/optimizer.safetensors", "model")]
    [InlineData("snapshots/9/items", "no snapshot")]
    [InlineData("snapshots/latest/plan?rank=7", "1 ranks")]
    public async Task What_is_not_there_is_named(string path, string says)
    {
        var key = await gateway.NewKeyAsync();
        if (await gateway.Over(key).DescribeAsync(RunId.Parse("named"), CancellationToken.None) is null)
            await SaveAsync(key, "named", 1);
        using var http = gateway.Http(key);
        var response = await http.GetAsync($"runs/named/{path}");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains(says, (await response.Content.ReadFromJsonAsync(ApiJson.Default.ApiProblem))!.Detail);
    }

    [Theory]
    [InlineData("bytes=0-9", HttpStatusCode.PartialContent, 0, 10)]
    [InlineData("bytes=10-", HttpStatusCode.PartialContent, 10, int.MaxValue)]
    [InlineData("bytes=5-99999999", HttpStatusCode.PartialContent, 5, int.MaxValue)]
    [InlineData("bytes=99999999-", HttpStatusCode.RequestedRangeNotSatisfiable, 0, 0)]
    [InlineData("bytes=-5", HttpStatusCode.OK, 0, int.MaxValue)]
    [InlineData("words=0-9", HttpStatusCode.OK, 0, int.MaxValue)]
    public async Task Parts_of_objects_are_served(string range, HttpStatusCode status, int from, int length)
    {
        var key = await gateway.NewKeyAsync();
        if (await gateway.Over(key).DescribeAsync(RunId.Parse("parts"), CancellationToken.None) is null)
            await SaveAsync(key, "parts", 1);
        using var http = gateway.Http(key);
        var plan = await http.GetFromJsonAsync("runs/parts/snapshots/1/plan", ApiJson.Default.RestorePlan);
        var path = $"runs/parts/snapshots/1/shards/0/objects/{plan!.Shards[0].Objects[0].Path}";
        var whole = await http.GetByteArrayAsync(path);
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Range", range);
        using var response = await http.SendAsync(request);
        Assert.Equal(status, response.StatusCode);
        if (status == HttpStatusCode.RequestedRangeNotSatisfiable)
            return;
        var part = whole.AsSpan(from, Math.Min(length, whole.Length - from)).ToArray();
        Assert.Equal(part, await response.Content.ReadAsByteArrayAsync());
        if (status == HttpStatusCode.PartialContent)
            Assert.Equal($"bytes {from}-{from + part.Length - 1}/{whole.Length}", response.Content.Headers.ContentRange!.ToString());
    }

    [Fact]
    public async Task A_proof_is_checked_by_public_keys_alone()
    {
        var key = await gateway.NewKeyAsync();
        await SaveAsync(key, "proven", 1);
        using var http = gateway.Http(key);
        var response = await http.GetAsync("runs/proven/snapshots/step:1/proof");
        while (response.StatusCode == HttpStatusCode.ServiceUnavailable) // no tree head covers it yet
        {
            await Task.Delay(response.Headers.RetryAfter!.Delta!.Value);
            response = await http.GetAsync("runs/proven/snapshots/step:1/proof");
        }

        var proof = TlogProof.Parse(await response.Content.ReadAsByteArrayAsync());
        var head = (await gateway.Over(key).DescribeAsync(RunId.Parse("proven"), CancellationToken.None))!.Head!;
        var keys = TlogPolicy.Alone(TestKeys.TreeHead.Verifier);
        Assert.NotNull(SnapshotProofs.CheckProof(proof, keys, head.Manifest, _ => { }));
        Assert.Throws<CorruptException>(() => SnapshotProofs.CheckProof(proof, keys, ManifestDigest.Of([1]), _ => { }));
    }

    [Fact]
    public async Task Usage_counts_what_snapshots_share_once()
    {
        var key = await gateway.NewKeyAsync();
        await SaveAsync(key, "shared", 3);
        using var http = gateway.Http(key);
        var usage = await http.GetFromJsonAsync("runs/shared/usage", ApiJson.Default.StorageUsage);
        Assert.Equal((3, 3 * 120_000), (usage!.Snapshots, usage.Bytes));
        Assert.InRange(usage.UniqueBytes, 120_000, 2 * 120_000 + 60_000); // one of two chunks changes
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("runs/none/usage")).StatusCode);
    }

    private async Task<float[]> SaveAsync(ApiKey key, string run, int steps)
    {
        var weights = Enumerable.Range(0, 30_000).Select(i => MathF.Sin(i)).ToArray();
        await using var chain = gateway.Chain(key);
        await using var training = await chain.OpenRunAsync(run);
        await training.Track(new Weights(weights)).ResumeAsync();
        for (var step = 1; step <= steps; step++)
        {
            weights[0] = step;
            await (await training.SaveAsync(new TrainingProgress(step, 0, step))).Committed;
        }

        return weights;
    }

    private sealed class Weights(float[] values) : ITrackedState
    {
        public string Item => "model";

        public ItemState Capture() => new(
            Item, [new ArrayTensor("weights", DType.Float32, [300, 100], MemoryMarshal.AsBytes(values.AsSpan()).ToArray())], [], []);

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved) => [];
    }
}
