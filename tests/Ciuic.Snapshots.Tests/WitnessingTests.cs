using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>Publishing with witnesses: who is asked what, and what is true when anything dies in between.</summary>
public sealed class WitnessingTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _time = new(Samples.Time);
    private readonly FaultyObjectStore _store = new(new MemoryObjectStore());
    private readonly TestWitnesses _witnesses;
    private readonly Cosigners _cosigners;

    public WitnessingTests()
    {
        _witnesses = new TestWitnesses(_time, TestKeys.TreeHead.Verifier);
        _cosigners = _witnesses.Cosigners;
    }

    private LedgerBucket Bucket => new(_store, TestBucket.Ledger);

    public static TheoryData<string, int, Fault> EveryFault()
    {
        var table = new TheoryData<string, int, Fault>();
        foreach (var fault in Enum.GetValues<Fault>())
        {
            // Of an append and publish: block, tile, entries, kept checkpoint, checkpoint. Of a witness: its memory.
            for (var write = 0; write < 5; write++)
                table.Add("ledger", write, fault);
            for (var witness = 0; witness < 3; witness++)
                table.Add($"witness {witness}", 0, fault);
        }

        return table;
    }

    [Theory]
    [MemberData(nameof(EveryFault))]
    public async Task Whatever_write_goes_wrong_one_history_is_cosigned(string where, int write, Fault fault)
    {
        await AppendAndPublishAsync(1);
        var store = where == "ledger" ? _store : _witnesses.All[where[^1] - '0'].Store;
        store.Arm(write, fault);
        await StubbornlyAsync(2);
        await store.LandLateWritesAsync();
        await StubbornlyAsync(3);
        Assert.True(store.Happened);
        await CheckAsync(3);
    }

    [Fact]
    public async Task A_witness_that_has_seen_another_size_is_asked_again_with_the_proof_it_needs()
    {
        await AppendAndPublishAsync(1);
        // Another process: it does not know how far the witnesses are.
        var writer = await AppendAsync(2);
        await new TreePublisher(Bucket, _witnesses.Cosigners).PublishAsync(writer, None);
        await CheckAsync(2);
    }

    [Fact]
    public async Task A_conflict_without_a_size_excludes_the_witness()
    {
        _witnesses.All[0].Instead = _ => new WitnessReply(409, "text/plain", "7\n"u8.ToArray());
        await AppendAndPublishAsync(1);
        await AppendAndPublishAsync(2);
        var lag = _cosigners.Lags[0];
        Assert.True(lag.Excluded);
        Assert.Contains("409 without a size", lag.Problem);
        Assert.Equal(1, _witnesses.All[0].Asked);
        await CheckAsync(2);
    }

    [Fact]
    public async Task A_witness_whose_cosignature_is_wrong_or_anothers_does_not_count()
    {
        var foreign = _witnesses.All[2].Key;
        _witnesses.All[0].Instead = _ => new WitnessReply(200, "text/plain", StrictUtf8.Encode(
            SignedNote.SignatureLine(foreign.Verifier, foreign.Cosign("other\n"u8, Samples.Time))));
        _witnesses.All[1].Instead = _ => new WitnessReply(200, "text/plain", StrictUtf8.Encode(
            SignedNote.SignatureLine(_witnesses.All[1].Key.Verifier, _witnesses.All[1].Key.Cosign("other\n"u8, Samples.Time))));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => AppendAndPublishAsync(1));
        Assert.Contains("w1: its answer holds no cosignature by witness.test/w1", error.Message);
        Assert.Contains("w2: its cosignature by witness.test/w2", error.Message);
        Assert.Null(await Bucket.GetCheckpointAsync(None));
        Assert.Null(await Bucket.GetCheckpointAsync(1, None));
    }

    [Fact]
    public async Task Lag_says_how_far_each_witness_is()
    {
        _witnesses.All[1].IsAway = true;
        await AppendAndPublishAsync(1);
        await AppendAndPublishAsync(2);
        Assert.Equal([2L, 0L, 2L], _cosigners.Lags.Select(l => l.Size));
        Assert.Equal([null, "w2 is away", null], _cosigners.Lags.Select(l => l.Problem));
        _witnesses.All[1].IsAway = false;
        _witnesses.All[0].IsAway = true;
        await AppendAndPublishAsync(3);
        Assert.Equal([2L, 3L, 3L], _cosigners.Lags.Select(l => l.Size));
    }

    [Fact]
    public async Task A_witness_that_cannot_remember_does_not_sign()
    {
        _witnesses.All[0].Store.Arm(0, Fault.FailsBefore);
        await AppendAndPublishAsync(1);
        Assert.Equal([0L, 1L, 1L], _cosigners.Lags.Select(l => l.Size));
    }

    [Fact]
    public async Task A_damaged_memory_is_never_taken_for_none()
    {
        await AppendAndPublishAsync(1);
        var memory = _witnesses.All[0].Store;
        var key = new ObjectKey(memory.Writes[0]);
        await memory.PutAsync(key, "rubbish"u8.ToArray(), None);
        await AppendAndPublishAsync(2);
        Assert.Contains("memory", _cosigners.Lags[0].Problem);
        Assert.Contains("is damaged", _cosigners.Lags[0].Problem);
    }

    [Fact]
    public async Task A_slow_witness_is_asked_for_the_newest_tree_head_only_once_it_is_ready()
    {
        var slow = _witnesses.All[0];
        var ready = new TaskCompletionSource();
        slow.Until = ready.Task;
        for (var i = 1; i <= 4; i++)
            await AppendAndPublishAsync(i);
        Assert.Equal(1, slow.Asked);
        ready.SetResult();
        _witnesses.All[1].IsAway = true; // now the slow one is needed
        await AppendAndPublishAsync(5);
        Assert.Equal([5L, 4L, 5L], _cosigners.Lags.Select(l => l.Size));
        Assert.InRange(slow.Asked, 2, 3);
        await CheckAsync(5);
    }

    private async Task<LedgerWriter> AppendAsync(long number)
    {
        var writer = await LedgerWriter.LoadAsync(Bucket, TestKeys.Signer, null, _time, None);
        var record = Samples.Record(number).Encode();
        while (await writer.FindAsync(Digest.Of(record), 0, None) is null)
            await writer.TryAppendAsync([record], None);
        return writer;
    }

    private async Task AppendAndPublishAsync(long number) =>
        await new TreePublisher(Bucket, _cosigners).PublishAsync(await AppendAsync(number), None);

    private async Task StubbornlyAsync(long number)
    {
        while (true)
        {
            try
            {
                await AppendAndPublishAsync(number);
                return;
            }
            catch (UnavailableException)
            {
                // Ask again, as the ledger's grain does.
            }
        }
    }

    private async Task CheckAsync(long size)
    {
        var findings = new List<AuditFinding>();
        var tip = await BucketAudit.CheckLedgerAsync(Bucket, _witnesses.Policy, findings, _ => { }, None);
        Assert.True(findings.Count == 0, string.Join("; ", findings));
        Assert.Equal(size, tip.Size);
    }
}
