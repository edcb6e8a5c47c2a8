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

    /// <summary>Commits of the whole cluster wait for the next activation: what a drain waits for is short.</summary>
    private static readonly TimeSpan LastPublish = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastAppend = TimeSpan.FromSeconds(2);

    private readonly LedgerSigner _signer;
    private readonly LedgerTrust _trust;
    private readonly LedgerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LedgerBucket _bucket;
    private readonly AppendQueue _queue;
    private readonly LedgerPublisher _publisher;
    private readonly LedgerGuard _guard;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Draining _draining;
    private Task<LedgerWriter>? _writer;
    private Task _flusher = Task.CompletedTask;
    private bool _clockIsBehind;

    public LedgerGrain(
        IObjectStore store,
        LedgerSigner signer,
        LedgerTrust trust,
        IOptions<LedgerOptions> options,
        Draining draining,
        TimeProvider time,
        ILogger<LedgerGrain> logger)
    {
        (_signer, _trust, _options, _draining, _time, _logger) = (signer, trust, options.Value, draining, time, logger);
        _bucket = new LedgerBucket(store, this.GetPrimaryKeyString());
        _queue = new AppendQueue(_options.MaxWaiting);
        _publisher = new LedgerPublisher(_bucket, trust, WriterAsync, DelayDeactivation, _options, draining, time, logger);
        _guard = new LedgerGuard(_bucket, signer, _options, time, logger);
    }

    public async Task<LedgerPosition> AppendAsync(byte[] record, long notBefore)
    {
        LedgerRecord.Decode(record);
        return await EnqueueAsync(record, notBefore, standsAlone: false);
    }

    public async Task<long> GetSizeAsync() => (await WriterAsync()).Tip.Size;

    public async Task PublishAsync()
    {
        var size = (await WriterAsync()).Tip.Size;
        try
        {
            await _publisher.PublishAsync(size).WaitAsync(_draining.Token);
        }
        catch (OperationCanceledException)
        {
            throw Draining.Leaving();
        }
    }

    public async Task<bool> WaitFinalAsync(long height, TimeSpan patience)
    {
        await WriterAsync();
        return await _publisher.WaitAsync(height, patience < MaxPatience ? patience : MaxPatience);
    }

    public async Task<LedgerView> DescribeAsync()
    {
        _options.RequireOwn(_bucket.Name);
        var (tip, problem) = await TipAsync();
        return new LedgerView
        {
            Name = _bucket.Name,
            Origin = _signer.Origin,
            Size = tip?.Size ?? 0,
            Root = tip?.Tree.Root ?? MerkleHash.Empty,
            PublishedSize = _publisher.FinalSize,
            TreeHeadKeys = Names((tip?.Keys ?? _signer.InitialKeys).TreeHead),
            BlockKeys = Names((tip?.Keys ?? _signer.InitialKeys).Blocks),
            Quorum = _trust.Policy.QuorumName,
            Witnesses = _publisher.Lags.Select(l => new WitnessView(l.Name, l.Size, l.Problem, l.Excluded)).ToArray(),
            PublishProblem = _publisher.Problem,
            WholeAt = _guard.WholeAt,
            Mended = [.. _guard.Mended],
            Damage = problem?.Message,
            DamageCode = problem is null ? ExitCode.Ok : ExitCode.For(problem),
        };
    }

    public async Task<VerifierKey> PrepareKeyAsync(KeyRole role) =>
        _signer.Next(role, (await WriterAsync()).Tip.Keys).Verifier;

    public async Task<LedgerView> RotateAsync(KeyRole role, VerifierKey to, string actor, string reason)
    {
        RunDecisions.CheckReason("A rotation", reason);
        var tip = (await WriterAsync()).Tip;
        if (tip.Keys.Active(role).Equals(to))
            return await DescribeAsync(); // asked again after a lost answer
        var previous = _signer.Find(tip.Keys.Active(role));
        var next = _signer.Find(to); // it was prepared, and so is stored: the record must not name a key that could be lost
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

    public override Task OnActivateAsync(CancellationToken cancel)
    {
        this.RegisterGrainTimer(
            LookAsync, new GrainTimerCreationOptions(_options.LookInterval, _options.LookInterval) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancel)
    {
        await _stopping.CancelAsync();
        await _flusher.WaitAsync(cancel).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await _guard.StopAsync(cancel);
        if (_writer is { IsCompletedSuccessfully: true })
            await PublishLastAsync(_writer.Result.Tip.Size, cancel);
        await _publisher.StopAsync(cancel);
    }

    private async Task<LedgerPosition> EnqueueAsync(byte[] record, long notBefore, bool standsAlone)
    {
        var waiting = _queue.Add(record, notBefore, standsAlone);
        if (_flusher.IsCompleted)
            _flusher = FlushAsync();
        if (await Task.WhenAny(waiting.Task, _draining.Begun) == waiting.Task)
            return await waiting.Task;
        try
        {
            return await waiting.Task.WaitAsync(LastAppend, _time);
        }
        catch (TimeoutException)
        {
            // A store that hangs must not keep this silo, and with it everybody's next commit: the outcome is unknown, as after any failure.
            throw Draining.Leaving();
        }
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

            _publisher.Announce(); // here and not at the end: under load the queue may never be empty
        }
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
        if (await TryAppendAsync(writer, lines.Records))
        {
            lines.Commit(height);
            WarnOfClock(writer.Tip);
            return;
        }

        _logger.LostRace(_bucket.Name, height);
        _queue.Return(fresh); // the winner's block may hold them: look again, then offer again
    }

    private async Task<bool> TryAppendAsync(LedgerWriter writer, List<byte[]> records)
    {
        var tip = writer.Tip;
        try
        {
            return await writer.TryAppendAsync(records, _stopping.Token);
        }
        catch (CiuicException error) when (error is CorruptException or UnavailableException { IsUnfit: true })
        {
            // The store does not keep what it takes, or lets two writers win. Nothing is appended, nor believed to be, until it does.
            _guard.Stop(tip, error.Message);
            throw;
        }
        finally
        {
            _guard.Note(writer.TakeMended());
        }
    }

    private async Task LookAsync()
    {
        try
        {
            await _guard.LookAsync((await WriterAsync()).Tip);
        }
        catch (Exception error)
        {
            _logger.NotLookedAt(_bucket.Name, error.Message); // the next look comes back to it
        }
    }

    /// <summary>
    /// The outcome is unknown: drop the picture, answer so, and let the next call read what is there. A block of
    /// ours that lands late is found by its records then.
    /// </summary>
    private void Fail(List<WaitingRecord> batch, Exception error)
    {
        _writer = null;
        _logger.AppendFailed(_bucket.Name, error.Message);
        var answer = error as CiuicException
            ?? new UnavailableException($"Ledger {_bucket.Name} did not take the records: {error.Message}");
        foreach (var waiting in batch)
            waiting.Fail(answer);
    }

    private async Task<LedgerWriter> WriterAsync()
    {
        _options.RequireOwn(_bucket.Name);
        _guard.RequireWhole();
        var loading = _writer ??= LoadAsync();
        try
        {
            return await loading;
        }
        catch (Exception error)
        {
            if (ReferenceEquals(_writer, loading))
                _writer = null;
            // A cancellation of ours must not look like one of the caller's.
            if (error is OperationCanceledException)
                throw new UnavailableException($"Ledger {_bucket.Name}: its writer is about to move to another silo.");
            throw;
        }
    }

    private async Task<LedgerWriter> LoadAsync()
    {
        var accepted = _trust.Accepted is null
            ? null
            : await _trust.Accepted.RecallAsync(_bucket, _signer.TreeHeadVerifiers, _stopping.Token);
        var writer = await LedgerWriter.LoadAsync(_bucket, _signer, accepted?.Head, _time, _stopping.Token);
        _logger.Loaded(_bucket.Name, writer.Tip.Size);
        _guard.Note(writer.TakeMended());
        await _guard.CheckAsync(writer.Tip);
        _publisher.Found(writer.Published);
        _publisher.Announce();
        return writer;
    }

    private async Task<(LedgerTip? Tip, CiuicException? Problem)> TipAsync()
    {
        try
        {
            return ((await WriterAsync()).Tip, null);
        }
        catch (CiuicException error)
        {
            return (null, error);
        }
    }

    /// <summary>The runtime waits for a while only; what is not published then, the next activation publishes.</summary>
    private async Task PublishLastAsync(long size, CancellationToken cancel)
    {
        try
        {
            await _publisher.PublishAsync(size).WaitAsync(LastPublish, _time, cancel);
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
