using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.EndToEnd;

/// <summary>A ledger that the real writer fills, with one record a block, and the real publisher publishes.</summary>
internal sealed class GrowingLedger
{
    private readonly LedgerSigner _signer;
    private readonly LedgerWriter _writer;

    private GrowingLedger(LedgerBucket bucket, LedgerSigner signer, LedgerWriter writer) =>
        (Bucket, _signer, _writer) = (bucket, signer, writer);

    public LedgerBucket Bucket { get; }

    public IReadOnlyList<VerifierKey> TreeHeadKeys => _writer.Tip.Keys.TreeHead;

    public static async Task<GrowingLedger> OpenAsync(IObjectStore store)
    {
        var bucket = new LedgerBucket(store, TestBucket.Ledger);
        var signer = TestKeys.NewSigner();
        var time = new FakeTimeProvider(Samples.Time);
        return new GrowingLedger(bucket, signer, await LedgerWriter.LoadAsync(bucket, signer, null, time, CancellationToken.None));
    }

    /// <summary>Appends blocks until there are so many.</summary>
    public async Task GrowAsync(long size)
    {
        while (_writer.Tip.Size < size)
            await AppendAsync(Samples.Record(_writer.Tip.Size + 1).Encode());
    }

    public Task<SignedTreeHead> PublishAsync(Cosigners cosigners) =>
        new TreePublisher(Bucket, cosigners).PublishAsync(_writer, CancellationToken.None);

    /// <summary>Grows to each of these sizes and publishes it.</summary>
    public async Task PublishAtAsync(params IEnumerable<long> sizes)
    {
        foreach (var size in sizes)
        {
            await GrowAsync(size);
            await PublishAsync(TestWitnesses.Nobody);
        }
    }

    /// <summary>Appends a block after which another key signs.</summary>
    public async Task RotateAsync(KeyRole role)
    {
        var before = _writer.Tip.Keys;
        await AppendAsync(TestKeys.Rotate(_signer, before, role));
        Assert.NotEqual(before.Active(role), _writer.Tip.Keys.Active(role));
    }

    private async Task AppendAsync(byte[] record) =>
        Assert.True(await _writer.TryAppendAsync([record], CancellationToken.None));
}
