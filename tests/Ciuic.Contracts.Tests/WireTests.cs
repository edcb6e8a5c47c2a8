using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Ciuic.Contracts.Tests;

public sealed class WireTests
{
    private static readonly Serializer Serializer = new ServiceCollection()
        .AddSerializer()
        .BuildServiceProvider()
        .GetRequiredService<Serializer>();

    [Fact]
    public void Ids_survive_the_wire()
    {
        Same(RunId.Parse("run-1"));
        Same(new Sequence(7));
        Same(new Rank(3));
        Same(new FencingToken(ulong.MaxValue));
        Same(Digest.Of("x"u8));
        Same(ChunkId.Of("x"u8));
        Same(ManifestDigest.Of("x"u8));
        Same(ShardDigest.Of("x"u8));
        Same(new LedgerPosition(9, 2));
        Same(Samples.Trainer);
        Same(new SnapshotLink { Sequence = new Sequence(2), Manifest = ManifestDigest.Of("y"u8) });
        Same<Sequence?>(null);
        Same<SnapshotLink?>(null);
    }

    [Fact]
    public void Events_survive_the_wire()
    {
        Same(new RunEvent
        {
            Number = 1,
            Run = Samples.Run,
            Kind = RunEventKind.Committed,
            At = Samples.Time,
            Token = new FencingToken(1),
            Sequence = new Sequence(4),
            Step = 40,
            Manifest = ManifestDigest.Of("m"u8),
            Parent = new Sequence(3),
            Detail = "why",
        });
    }

    [Fact]
    public void A_loss_that_is_no_number_survives_JSON_too()
    {
        var plan = new SnapshotPlan
        {
            Step = 1,
            Epoch = 0,
            NextSample = 0,
            Metrics = new() { ["loss"] = double.NaN, ["up"] = double.PositiveInfinity, ["down"] = double.NegativeInfinity, ["best"] = 0.5 },
            Labels = [],
            WorldSize = 1,
            Trainer = Samples.Trainer,
            Signer = null,
        };
        var json = JsonSerializer.Serialize(plan, (JsonTypeInfo<SnapshotPlan>)ApiJson.Default.GetTypeInfo(typeof(SnapshotPlan))!);
        Assert.Contains("\"loss\":\"NaN\"", json, StringComparison.Ordinal);
        var back = JsonSerializer.Deserialize(json, (JsonTypeInfo<SnapshotPlan>)ApiJson.Default.GetTypeInfo(typeof(SnapshotPlan))!)!;
        Assert.Equal(plan.Metrics, back.Metrics);
    }

    [Fact]
    public void Numbers_on_the_wire_never_change()
    {
        Assert.Equal([.. Enumerable.Range(1, 14), 16], Enum.GetValues<RunEventKind>().Select(k => (int)k));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], Enum.GetValues<SnapshotState>().Select(s => (int)s));
        Assert.Equal(
            ["None", "Pending", "Uploaded", "Verified", "Committed", "Aborted", "Forgotten"],
            Enum.GetNames<SnapshotState>());
        Assert.Equal(["Begun", "Fenced", "Busy", "Over"], Enum.GetNames<BeginOutcome>());
        Assert.Equal(["Ready", "Waiting", "Moved", "Fenced"], Enum.GetNames<ReadyOutcome>());
    }

    private static void Same<T>(T value) =>
        Assert.Equal(value, Serializer.Deserialize<T>(Serializer.SerializeToArray(value)));
}
