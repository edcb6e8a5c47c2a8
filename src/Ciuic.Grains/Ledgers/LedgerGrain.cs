using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciuic.Grains;

/// <summary>
/// The writer of one ledger. It stores nothing of its own: the bucket is the state. Its calls interleave, because
/// a hundred callers shall share one block; all of them only queue, and one flusher and one publisher do the work.
/// </summary>
internal sealed class LedgerGrain(
    IObjectStore store,
    LedgerSigner signer,
    IOptions<LedgerOptions> options,
    TimeProvider time,
    ILogger<LedgerGrain> logger) : Grain, ILedgerGrain
{
    private readonly AppendQueue _queue = new(options.Value.MaxWaiting);
    private readonly CancellationTokenSource _stopping = new();
    private Task<LedgerWriter>? _writer;
    private Task _flusher = Task.CompletedTask;
    private Task _publisher = Task.CompletedTask;
    private long _publishedSize = -1;

    private string Name => this.GetPrimaryKeyString();

    private LedgerBucket Bucket => new(store, Name);

    public async Task<LedgerPosition> AppendAsync(byte[] record, long notBefore)
    {
        LedgerRecord.Decode(record);
        var waiting = _queue.Add(record, notBefore);
        if (_flusher.IsCompleted)
            _flusher = FlushAsync();
        return await waiting.Task;
    }

    public async Task<long> GetSizeAsync() => (await WriterAsync()).Tip.Size;

    public async Task PublishAsync()
    {
        var writer = await WriterAsync();
        var size = writer.Tip.Size;
        while (_publishedSize < size)
        {
            await _publisher;
            if (_publishedSize < size)
                await (_publisher = PublishOnceAsync(writer));
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancel)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_flusher, _publisher).WaitAsync(cancel).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (_writer is { IsCompletedSuccessfully: true } && _publishedSize < _writer.Result.Tip.Size)
            await PublishQuietlyAsync();
    }

    private async Task FlushAsync()
    {
        while (!_queue.IsEmpty)
        {
            var batch = _queue.TakeBatch();
            try
            {
                await CommitAsync(batch);
            }
            catch (Exception error)
            {
                Fail(batch, error);
            }
        }

        if (_publisher.IsCompleted)
            _publisher = PublishLaterAsync();
    }

    /// <summary>Answers those that stand in the ledger already, and puts the others into one block.</summary>
    private async Task CommitAsync(List<WaitingRecord> batch)
    {
        var writer = await WriterAsync();
        var fresh = new List<WaitingRecord>();
        foreach (var waiting in batch)
        {
            if (await writer.FindAsync(waiting.Digest, waiting.NotBefore, _stopping.Token) is { } position)
                waiting.Commit(position);
            else
                fresh.Add(waiting);
        }

        var lines = fresh.DistinctBy(w => w.Digest).ToList();
        if (lines.Count == 0)
            return;
        var height = writer.Tip.Size;
        if (await writer.TryAppendAsync(lines.ConvertAll(w => w.Bytes), _stopping.Token))
        {
            foreach (var waiting in fresh)
                waiting.Commit(new LedgerPosition(height, lines.FindIndex(w => w.Digest == waiting.Digest)));
            return;
        }

        logger.LostRace(Name, height);
        _queue.Return(fresh); // the winner's block may hold them: look again, then offer again
    }

    /// <summary>
    /// The outcome is unknown: drop the picture, answer so, and let the next call read what is there. A block of
    /// ours that lands late is found by its records then.
    /// </summary>
    private void Fail(List<WaitingRecord> batch, Exception error)
    {
        _writer = null;
        logger.AppendFailed(Name, error.Message);
        Exception answer = error is CiuicException
            ? error
            : new UnavailableException($"Ledger {Name} did not take the records: {error.Message}");
        foreach (var waiting in batch)
            waiting.Fail(answer);
    }

    private async Task<LedgerWriter> WriterAsync()
    {
        _writer ??= LoadAsync();
        try
        {
            return await _writer;
        }
        catch
        {
            _writer = null;
            throw;
        }
    }

    private async Task<LedgerWriter> LoadAsync()
    {
        await StoredKeys.EnsureAsync(Bucket, signer, _stopping.Token);
        var writer = await LedgerWriter.LoadAsync(Bucket, signer, time, _stopping.Token);
        logger.Loaded(Name, writer.Tip.Size);
        return writer;
    }

    private async Task PublishLaterAsync()
    {
        await Task.Delay(options.Value.PublishInterval, time, _stopping.Token).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await PublishQuietlyAsync();
    }

    private async Task PublishQuietlyAsync()
    {
        try
        {
            await PublishOnceAsync(await WriterAsync());
        }
        catch (Exception error)
        {
            logger.PublishFailed(Name, error.Message); // the next append tries again; commits never wait for it
        }
    }

    private async Task PublishOnceAsync(LedgerWriter writer) =>
        _publishedSize = (await TreePublisher.PublishAsync(
            Bucket, writer, signer.PublicKeys, CancellationToken.None)).Size;
}
