using System.Security.Cryptography;
using System.Text.Json;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.EndToEnd;

/// <summary>Stores of earlier versions are read, trained on in, audited and rebuilt by this one.</summary>
public sealed class GoldenStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Stores => ["store-1.zip"];

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Its_bucket_passes_the_audit_by_every_key_it_had_and_its_proofs_hold(string archive)
    {
        var golden = new GoldenPlace(_folder, archive);
        var cli = new CliRun(golden.Place);
        foreach (var key in golden.VerifierKeys)
            await cli.ExpectAsync(ExitCode.Ok, "PASSED", "audit", "--store", golden.Place.StoreUri, "--key", key);
        var policy = _folder.File("policy");
        await File.WriteAllLinesAsync(policy, [.. golden.VerifierKeys.Select(key => $"log {key}"), "quorum none"], TestContext.Current.CancellationToken);
        foreach (var proof in golden.Proofs)
            await cli.ExpectAsync(ExitCode.Ok, "main", "verify", "--proof", proof, "--policy", policy);
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Its_database_and_bucket_go_on(string archive)
    {
        var golden = new GoldenPlace(_folder, archive);
        await using var silo = await golden.StartSiloAsync();
        await CheckAsync(golden);
        await AddSnapshotsAsync(golden);
        await AuditAsync(golden);
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Its_bucket_alone_brings_everything_back(string archive)
    {
        var golden = new GoldenPlace(_folder, archive);
        golden.LoseDatabase();
        await using var silo = await golden.StartSiloAsync();
        await new CliRun(golden.Place).ExpectAsync(
            ExitCode.Ok, "are back", "rebuild", "--store", golden.Place.StoreUri, "--key", golden.VerifierKeys[^1]);
        await CheckAsync(golden);
        await AddSnapshotsAsync(golden);
        await AuditAsync(golden);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Heads, tags, pins, steps, and every byte of every tensor.</summary>
    private static async Task CheckAsync(GoldenPlace golden)
    {
        await using var chain = await SnapshotChain.ConnectAsync(golden.Settings);
        await chain.WaitForSiloAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        foreach (var run in golden.Expected.GetProperty("runs").EnumerateArray())
        {
            var name = run.GetProperty("run").GetString()!;
            var view = await chain.History.DescribeAsync(RunId.Parse(name), TestContext.Current.CancellationToken);
            Assert.Equal(run.GetProperty("head").GetInt64(), view.Head?.Sequence.Value);
            Assert.Equal(Numbers(golden, "tags", name), view.Tags.ToDictionary(t => t.Key, t => t.Value.Value));
            foreach (var snapshot in run.GetProperty("snapshots").EnumerateArray())
                await CheckTensorsAsync(chain, name, snapshot);
        }

        var pinned = await new CliRun(golden.Place).JsonAsync("show", "main@#3");
        Assert.True(pinned.GetProperty("pinned").GetBoolean());
    }

    private static Dictionary<string, long> Numbers(GoldenPlace golden, string kind, string run) =>
        golden.Expected.GetProperty(kind).TryGetProperty(run, out var found)
            ? found.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt64())
            : [];

    private static async Task CheckTensorsAsync(SnapshotChain chain, string run, JsonElement expected)
    {
        var reference = SnapshotRef.Parse($"#{expected.GetProperty("sequence").GetInt64()}");
        using var snapshot = await chain.ReadAsync(run, reference, [], TestContext.Current.CancellationToken);
        Assert.Equal(expected.GetProperty("step").GetInt64(), snapshot.Manifest.Step);
        var digests = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in snapshot.Items)
        {
            foreach (var tensor in item.Tensors.Keys)
                digests[$"{item.Item}/{tensor}"] = Digest(item, tensor);
        }

        var wanted = expected.GetProperty("tensors").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
        Assert.Equal(new SortedDictionary<string, string>(wanted, StringComparer.Ordinal), digests);
    }

    private static string Digest(SavedItem item, string tensor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        item.ReadTensor(tensor, (_, bytes) => hash.AppendData(bytes.Span));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Each run is resumed and saved once more; nobody's head is another one's.</summary>
    private static async Task AddSnapshotsAsync(GoldenPlace golden)
    {
        await using var chain = await SnapshotChain.ConnectAsync(golden.Settings);
        foreach (var expected in golden.Expected.GetProperty("runs").EnumerateArray())
        {
            var head = expected.GetProperty("head").GetInt64();
            await using var run = await chain.OpenRunAsync(
                expected.GetProperty("run").GetString()!, TestContext.Current.CancellationToken);
            run.TrackBytes("later", () => [1, 2, 3], _ => { });
            var resumed = await run.ResumeAsync(TestContext.Current.CancellationToken);
            Assert.Equal(head, resumed.From?.Sequence.Value);
            var save = await run.SaveAsync(resumed.Progress with { Step = resumed.Progress.Step + 1 });
            var saved = await save.Committed.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            Assert.True(saved.Sequence.Value > head);
        }
    }

    private static Task AuditAsync(GoldenPlace golden) => new CliRun(golden.Place).ExpectAsync(
        ExitCode.Ok, "PASSED", "audit", "--store", golden.Place.StoreUri, "--key", golden.VerifierKeys[^1]);
}
