using System.Text.Json;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.EndToEnd;

/// <summary>A witness written in Go for a ledger of ours, and a witness of ours for a log written in Go.</summary>
[Collection(GoCollection.Name)]
public sealed class GoWitnessTests(GoProgram go) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly TemporaryFolder _folder = new();
    private readonly SigningKey _foreignLog = SigningKey.FromSeed("foreign.example/log", Enumerable.Repeat((byte)7, 32).ToArray());

    [Fact]
    public async Task A_ledger_is_published_when_a_foreign_witness_has_cosigned_and_goes_on_after_its_SIGKILL()
    {
        var ledger = await GrowingLedger.OpenAsync(new FileObjectStore(_folder.Path));
        WitnessPlace place;
        Cosigners patient;
        TlogPolicy policy;
        await using (var witness = await StartWitnessAsync("127.0.0.1:0", "-log", $"{TestKeys.TreeHead.Verifier}", "-die-at-size", "6"))
        {
            place = await PlaceAsync(witness);
            policy = place.Policy(TestKeys.TreeHead.Verifier);
            patient = new Cosigners(policy, HttpWitness.Of(policy, Patience));
            foreach (var size in (long[])[1, 2, 5])
                await PublishedAsync(ledger, patient, policy, size);

            // It has persisted size 6 and is killed before it answers: nothing is published.
            await ledger.GrowAsync(6);
            await Assert.ThrowsAsync<UnavailableException>(() => ledger.PublishAsync(patient));
            Assert.NotEqual(0, await witness.ExitAsync());
        }

        await ledger.GrowAsync(7);
        await Assert.ThrowsAsync<UnavailableException>(() => ledger.PublishAsync(patient));
        Assert.Equal(5, policy.OpenHead((await ledger.Bucket.GetCheckpointAsync(CancellationToken.None))!).Head.Head.Size);

        await using (var witness = await StartWitnessAsync(place.Address.Authority, "-log", $"{TestKeys.TreeHead.Verifier}"))
        {
            Assert.Equal(place, await PlaceAsync(witness));
            await PublishedAsync(ledger, patient, policy, 7); // it names size 6, which nobody has published
            witness.Kill();
            await witness.ExitAsync();
        }

        await using (var witness = await StartWitnessAsync(place.Address.Authority, "-log", $"{TestKeys.TreeHead.Verifier}"))
        {
            Assert.Equal(place, await PlaceAsync(witness));
            var fresh = new Cosigners(policy, HttpWitness.Of(policy, Patience)); // a silo that was started again, too
            foreach (var size in (long[])[7, 256, 300])
                await PublishedAsync(ledger, fresh, policy, size);
            witness.Kill();
        }

        var (code, text) = await go.RunAsync(
            "tlogcheck", "-ledger", _folder.File($"ledgers/{TestBucket.Ledger}"),
            "-key", $"{TestKeys.TreeHead.Verifier}", "-witness", $"{place.Key}");
        Assert.True(code == 0, text);
        Assert.Equal(7, JsonDocument.Parse(text).RootElement.GetProperty("cosignatures").GetInt32()); // six sizes and the newest again
    }

    [Fact]
    public async Task A_foreign_log_is_served_by_ciuic_witness_also_after_its_SIGKILL()
    {
        var policy = _folder.File("policy");
        await File.WriteAllTextAsync(policy, $"log {_foreignLog.Verifier}\nquorum none\n");
        long seen = 0;
        for (var life = 0; life < 2; life++)
        {
            await using var witness = ProgramRun.Cli(
                "witness", "--listen", "127.0.0.1:0", "--data", _folder.File("witness"), "--policy", policy, "--name", "witness.test/ours");
            await witness.UntilAsync(l => l.StartsWith("witness ", StringComparison.Ordinal));
            var words = witness.Lines.Last().Split(' ');
            seen = await ServedAsync(new WitnessPlace(VerifierKey.Parse(words[2]), new Uri(words[3])), seen);
            witness.Kill();
            await witness.ExitAsync();
        }
    }

    [Fact]
    public async Task The_foreign_log_and_the_foreign_witness_understand_each_other()
    {
        // Else they would prove nothing about ours.
        await using var witness = await StartWitnessAsync("127.0.0.1:0", "-log", $"{_foreignLog.Verifier}");
        await ServedAsync(await PlaceAsync(witness), 0);
        witness.Kill();
    }

    public void Dispose()
    {
        _foreignLog.Dispose();
        _folder.Dispose();
    }

    private static async Task PublishedAsync(GrowingLedger ledger, Cosigners cosigners, TlogPolicy policy, long size)
    {
        await ledger.GrowAsync(size);
        await ledger.PublishAsync(cosigners);
        var (head, cosignatures) = policy.OpenHead((await ledger.Bucket.GetCheckpointAsync(CancellationToken.None))!);
        Assert.Equal(size, head.Head.Size);
        Assert.InRange(Assert.Single(cosignatures).SeenAt, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow);
    }

    private Task<ProgramRun> StartWitnessAsync(string listen, params string[] more) =>
        go.StartAsync(["foreignwitness", "-state", _folder.File("foreign-witness.json"), "-listen", listen, .. more]);

    private static async Task<WitnessPlace> PlaceAsync(ProgramRun witness)
    {
        await witness.UntilAsync(_ => true);
        var line = JsonDocument.Parse(witness.Lines.First()).RootElement;
        return new WitnessPlace(
            VerifierKey.Parse(line.GetProperty("key").GetString()!), new Uri(line.GetProperty("address").GetString()!));
    }

    /// <summary>The foreign log grows, with good and bad requests, from the size that the witness has seen.</summary>
    /// <returns>The size that it has seen then.</returns>
    private async Task<long> ServedAsync(WitnessPlace witness, long seen)
    {
        var (code, text) = await go.RunAsync(
            "foreignlog", "-skey", _foreignLog.Export(),
            "-witness", $"{witness.Address}", "-witness-key", $"{witness.Key}", "-from", $"{seen}");
        Assert.True(code == 0, text);
        var counts = JsonDocument.Parse(text).RootElement;
        Assert.Equal(24, counts.GetProperty("cosignatures").GetInt32());
        Assert.InRange(counts.GetProperty("refusals").GetInt32(), 300, int.MaxValue);
        return counts.GetProperty("size").GetInt64();
    }

    private sealed record WitnessPlace(VerifierKey Key, Uri Address)
    {
        public TlogPolicy Policy(VerifierKey log) =>
            TlogPolicy.Parse($"log {log}\nwitness foreign {Key} {Address}\nquorum foreign\n");
    }
}
