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
internal sealed class LedgerGrain : Grain, ILedgerGrain
{
    private static readonly TimeSpan MaxPatience = TimeSpan.FromSeconds(20);

    private readonly LedgerSigner _signer;
    private readonly LedgerTrust _trust;
    private readonly LedgerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LedgerBucket _bucket;
    private readonly AppendQueue _queue;
    private readonly LedgerPublisher _publisher;
    private readonly CancellationTokenSource _stopping = new();
    private Task<LedgerWriter>? _writer;
    private Task _flusher = Task.CompletedTask;
    private Task? _check;
    private string? _damage;
    private bool _clockIsBehind;

    public LedgerGrain(
        IObjectStore store,
        LedgerSigner signer,
        LedgerTrust trust,
        IOptions<LedgerOptions> options,
        TimeProvider time,
        ILogger<LedgerGrain> logger)
    {
        (_signer, _trust, _options, _time, _logger) = (signer, trust, options.Value, time, logger);
        _bucket = new LedgerBucket(store, this.GetPrimaryKeyString());
        _queue = new AppendQueue(_options.MaxWaiting);
        _publisher = new LedgerPublisher(_bucket, trust, WriterAsync, _options, time, logger);
    }

    public async Task<LedgerPosition> AppendAsync(byte[] record, long notBefore)
    {
        LedgerRecord.Decode(record);
        return await EnqueueAsync(record, notBefore, standsAlone: false);
    }

    public async Task<long> GetSizeAsync() => (await WriterAsync()).Tip.Size;

    public async Task PublishAsync() => await _publisher.PublishAsync((await WriterAsync()).Tip.Size);

    public async Task<bool> WaitFinalAsync(long height, TimeSpan patience)
    {
        await WriterAsync();
        return await _publisher.WaitAsync(height, patience < MaxPatience ? patience : MaxPatience);
    }

    public async Task<LedgerView> DescribeAsync()
    {
        var (tip, problem) = await TipAsync();
        return new LedgerView
        {
            Name = _bucket.Name,
            Origin = _signer.Origin,
            Size = tip?.Size ?? 0,
            Root = tip?.Tree.Root ?? MerkleHash.Empty,
            PublishedSize = Math.Max(_publisher.PublishedSize, 0),
            TreeHeadKeys = Names((tip?.Keys ?? _signer.InitialKeys).TreeHead),
            BlockKeys = Names((tip?.Keys ?? _signer.InitialKeys).Blocks),
            Quorum = _trust.Policy.QuorumName,
            Witnesses = _publisher.Lags.Select(l => new WitnessView(l.Name, l.Size, l.Problem, l.Excluded)).ToArray(),
            PublishProblem = _publisher.Problem,
            Damage = problem,
        };
    }

    public async Task<string> PrepareKeyAsync(KeyRole role) =>
        _signer.Next(role, (await WriterAsync()).Tip.Keys).Verifier.ToString();

    public async Task<LedgerView> RotateAsync(KeyRole role, string actor, string reason)
    {
        RunDecisions.CheckReason("A rotation", reason);
        var tip = (await WriterAsync()).Tip;
        var previous = _signer.Find(tip.Keys.Active(role));
        // Made and stored before the record names it: dying after this line leaves a key that the next rotation takes.
        var next = _signer.Next(role, tip.Keys);
        var rotation = new KeyRotation
        {
            Origin = _signer.Origin,
            Role = role,
            Previous = previous.Verifier,
            Next = next.Verifier,
            At = _time.GetUtcNow(),
            Actor = actor,
            Reason = reason,
        };
        var position = await EnqueueAsync(rotation.Encode(previous, next), tip.Size, standsAlone: true);
        _logger.Rotated(_bucket.Name, role, next.Verifier, position);
        return await DescribeAsync();
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancel)
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_flusher, _check ?? Task.CompletedTask).WaitAsync(cancel).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (_writer is { IsCompletedSuccessfully: true })
            await PublishLastAsync(_writer.Result.Tip.Size);
        await _publisher.StopAsync(cancel);
    }

    private async Task<LedgerPosition> EnqueueAsync(byte[] record, long notBefore, bool standsAlone)
    {
        var waiting = _queue.Add(record, notBefore, standsAlone);
        if (_flusher.IsCompleted)
            _flusher = FlushAsync();
        return await waiting.Task;
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

        _publisher.Announce();
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

        if (fresh.Count == 0)
            return;
        var height = writer.Tip.Size;
        var lines = BlockLines.Of(fresh);
        if (await writer.TryAppendAsync(lines.Records, _stopping.Token))
        {
            lines.Commit(height);
            WarnOfClock(writer.Tip);
            return;
        }

        _logger.LostRace(_bucket.Name, height);
        _queue.Return(fresh); // the winner's block may hold them: look again, then offer again
    }

    /// <summary>
    /// The outcome is unknown: drop the picture, answer so, and let the next call read what is there. A block of
    /// ours that lands late is found by its records then.
    /// </summary>
    private void Fail(List<WaitingRecord> batch, Exception error)
    {
        _writer = null;
        _logger.AppendFailed(_bucket.Name, error.Message);
        Exception answer = error switch
        {
            CorruptException when batch[0].StandsAlone && _damage is null => new ConflictException(
                $"Ledger {_bucket.Name}: another rotation came first ({error.Message}). Ask for its state, then decide anew."),
            CiuicException => error,
            _ => new UnavailableException($"Ledger {_bucket.Name} did not take the records: {error.Message}"),
        };
        foreach (var waiting in batch)
            waiting.Fail(answer);
    }

    private async Task<LedgerWriter> WriterAsync()
    {
        if (_damage is not null)
            throw new CorruptException(_damage);
        var loading = _writer ??= LoadAsync();
        try
        {
            return await loading;
        }
        catch
        {
            if (ReferenceEquals(_writer, loading))
                _writer = null;
            throw;
        }
    }

    private async Task<LedgerWriter> LoadAsync()
    {
        var accepted = _trust.Accepted is null ? null : await _trust.Accepted.RecallAsync(_bucket, _stopping.Token);
        var writer = await LedgerWriter.LoadAsync(_bucket, _signer, accepted, _time, _stopping.Token);
        _logger.Loaded(_bucket.Name, writer.Tip.Size);
        if (!_options.CheckAtStart)
            return writer;
        _check ??= CheckAsync(writer.Tip);
        // Most ledgers are read in a moment; a very long one is not waited for, and stops appending when damage is found.
        await Task.WhenAny(_check, Task.Delay(_options.CheckPatience, _time, _stopping.Token));
        return _damage is null ? writer : throw new CorruptException(_damage);
    }

    /// <summary>Goes over all blocks once for each activation, beside the appends.</summary>
    private async Task CheckAsync(LedgerTip tip)
    {
        try
        {
            var mended = await LedgerCheck.RunAsync(_bucket, tip, _stopping.Token);
            _logger.Checked(_bucket.Name, tip.Size, mended);
        }
        catch (CorruptException error)
        {
            _damage = error.Message;
            _logger.Damaged(_bucket.Name, error.Message);
        }
        catch (Exception error)
        {
            _check = null; // the store is away, or the silo ends: the next load begins again
            _logger.NotChecked(_bucket.Name, error.Message);
        }
    }

    private async Task<(LedgerTip? Tip, string? Problem)> TipAsync()
    {
        try
        {
            return ((await WriterAsync()).Tip, null);
        }
        catch (CiuicException error)
        {
            return (null, error.Message);
        }
    }

    private async Task PublishLastAsync(long size)
    {
        try
        {
            await _publisher.PublishAsync(size);
        }
        catch (Exception error)
        {
            _logger.PublishFailed(_bucket.Name, error.Message);
        }
    }

    /// <summary>The order of blocks does not need the clock; people who read their times do.</summary>
    private void WarnOfClock(LedgerTip tip)
    {
        var ahead = DateTimeOffset.FromUnixTimeMilliseconds(tip.LastTimeMs) - _time.GetUtcNow();
        var isBehind = ahead > _options.MaxClockLag;
        if (isBehind && !_clockIsBehind)
            _logger.ClockBehind(_bucket.Name, ahead);
        _clockIsBehind = isBehind; // said once, not with every block
    }

    private static string[] Names(IEnumerable<VerifierKey> keys) => keys.Select(k => k.ToString()).ToArray();
}
