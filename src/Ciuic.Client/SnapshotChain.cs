using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// The way in: a connection to the cluster and the bucket. Made once per process, thread-safe.
/// </summary>
/// <example>
/// <code>
/// await using var chain = await SnapshotChain.ConnectAsync();
/// await using var run = await chain.OpenRunAsync("deepseek-mini");
/// run.Track("model", model).Track("optimizer", optimizer).TrackRandomState();
/// var progress = (await run.ResumeAsync()).Progress;
/// </code>
/// </example>
public sealed class SnapshotChain : IAsyncDisposable
{
    /// <summary>Bytes a second, at least; with fewer, training does not wait for the rest.</summary>
    private const double SlowestSync = 32 << 20;

    /// <summary>How long opening waits for a silo where saves are kept on this machine; no longer than Ciuic:Client:StorePatience.</summary>
    private static readonly TimeSpan WithSpool = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(250);

    private readonly ClientOptions _client;
    private readonly SaveOptions _save;
    private readonly RankOptions _ranks;
    private readonly CodecOptions _codec;
    private readonly ICoordinator _coordinator;
    private readonly IObjectStore _store;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly AcceptedHeads? _accepted;
    private readonly GatewayConnection? _bytes;
    private readonly TlogPolicy _policy;
    private readonly StoreFit _fit;
    private readonly CommittedHeads? _heads; // null where nothing is remembered
    private readonly IReadOnlyList<object> _owned;
    private volatile bool _isClosed;

    internal SnapshotChain(
        ClientOptions client,
        SaveOptions save,
        RankOptions ranks,
        CodecOptions codec,
        ICoordinator coordinator,
        IObjectStore store,
        AcceptedHeads? accepted,
        TimeProvider time,
        ILoggerFactory loggers,
        GatewayConnection? bytes = null,
        params object[] owned)
    {
        _bytes = bytes;
        _owned = owned;
        _client = client;
        _save = save;
        _ranks = ranks;
        _codec = codec;
        _coordinator = coordinator;
        _store = store;
        _time = time;
        _loggers = loggers;
        _accepted = accepted;
        _policy = client.PolicyFile.Length == 0 ? TlogPolicy.Alone() : PolicyFiles.Read(client.PolicyFile);
        _fit = new StoreFit(bytes is null ? store : null, client.Ledger, coordinator);
        _heads = accepted is null ? null : new CommittedHeads(Watch(), time, loggers.CreateLogger<TrainingRun>());
        var cluster = new AwaitedCluster(coordinator, WaitAsync);
        History = new ChainHistory(cluster);
        Events = new ChainEvents(cluster, time);
        Access = new ChainAccess(cluster, time);
        Ledger = new ChainLedger(cluster, client.Ledger, time);
        Proofs = new SnapshotProofs(new LedgerBucket(store, client.Ledger), _policy, _accepted);
    }

    /// <summary>What is known of all runs: for tools and dashboards.</summary>
    public ChainHistory History { get; }

    /// <summary>What happens to runs, as it happens: for tools and dashboards.</summary>
    public ChainEvents Events { get; }

    /// <summary>Keys of the HTTP API.</summary>
    public ChainAccess Access { get; }

    /// <summary>The ledger's writer.</summary>
    public ChainLedger Ledger { get; }

    /// <summary>Proofs of committed snapshots, from the bucket alone.</summary>
    public SnapshotProofs Proofs { get; }

    /// <summary>
    /// Reads the sections <c>Ciuic:Client</c>, <c>Ciuic:Save</c>, <c>Ciuic:Ranks</c>, <c>Ciuic:Codec</c> and <c>Ciuic:Store</c> and opens the
    /// bucket. A silo is looked for when it is needed; none being there is no error here, and nothing is written. Where neither
    /// <c>Ciuic:Client:Mode</c> nor gateways are set, it is the silo on this machine, asked over HTTP; without <c>Ciuic:Store:Uri</c> bytes go
    /// through it, too.
    /// </summary>
    /// <param name="configuration">The settings, usually appsettings.json and the environment; null for the environment alone.</param>
    /// <param name="loggers">Where warnings go; null for standard error.</param>
    /// <param name="schemes">The kinds of bucket it may be; null for files and memory.</param>
    /// <param name="cancel">Ends the opening.</param>
    /// <exception cref="InvalidInputException">
    /// A setting is unknown, malformed or out of range, or the bucket is not fit for use.
    /// </exception>
    /// <exception cref="UnavailableException">The bucket cannot be opened.</exception>
    public static async Task<SnapshotChain> ConnectAsync(
        IConfiguration? configuration = null,
        ILoggerFactory? loggers = null,
        StoreSchemes? schemes = null,
        CancellationToken cancel = default)
    {
        configuration = ClientDefaults.Complete(configuration);
        var client = StrictSettings.Read<ClientOptions>(configuration, "Ciuic:Client");
        var save = StrictSettings.Read<SaveOptions>(configuration, "Ciuic:Save");
        var ranks = StrictSettings.Read<RankOptions>(configuration, "Ciuic:Ranks");
        var codec = StrictSettings.Read<CodecOptions>(configuration, "Ciuic:Codec");
        var options = StrictSettings.Read<StoreOptions>(configuration, StoreSchemes.Section);
        loggers = new PrintableLoggers(loggers ?? new StandardErrorLoggers());
        var gateway = client.IsHttp ? Gateway(client) : null;
        var bytes = options.Uri == ClientDefaults.GatewayUri ? gateway ?? throw new InvalidInputException(
            $"Ciuic:Store:Uri is {ClientDefaults.GatewayUri}, which needs Ciuic:Client:Mode Http.") : null;
        var store = bytes is null
            ? await (schemes ?? StoreSchemes.BuiltIn).OpenAsync(configuration, cancel)
            : Patient(new GatewayStore(bytes, null), TimeProvider.System);
        try
        {
            return new SnapshotChain(
                client,
                save,
                ranks,
                codec,
                gateway is null ? OrleansSupport.Connect(client, loggers) : new HttpCoordinator(gateway, TimeProvider.System),
                store,
                options.IsDurable ? new AcceptedHeads(client.StateDirectory) : null,
                TimeProvider.System,
                loggers,
                bytes,
                store);
        }
        catch
        {
            await CloseAsync(store);
            throw;
        }
    }

    /// <summary>
    /// Opens a run for training: takes its lease. When no silo answers within Ciuic:Client:ConnectPatience the run is
    /// opened without one: it resumes from the bucket, and what it saves is committed when a silo is back. Where several processes
    /// train it together (section <c>Ciuic:Ranks</c>), each of them opens it.
    /// </summary>
    /// <param name="run">The run's name, see <see cref="RunId"/>.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="InvalidInputException">
    /// The name is no run id, settings and environment do not say which rank this is, or this program's bucket is not the silo's.
    /// </exception>
    /// <exception cref="ConflictException">Another attempt holds the run; the message names it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or ended by SIGTERM.</exception>
    public Task<TrainingRun> OpenRunAsync(string run, CancellationToken cancel = default) =>
        OpenRunAsync(run, new RankOptions(), cancel);

    /// <summary>The same for a program that learns only now which of several ranks it is.</summary>
    /// <param name="run">The run's name.</param>
    /// <param name="learned">What it has learned; what section <c>Ciuic:Ranks</c> says comes first.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="InvalidInputException">The name is no run id, or it is not said which rank this is.</exception>
    /// <exception cref="ConflictException">Another attempt holds the run; the message names it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or ended by SIGTERM.</exception>
    public Task<TrainingRun> OpenRunAsync(string run, RankOptions learned, CancellationToken cancel = default) =>
        OpenRunAsync(RunId.Parse(run), RankPlace.Of(_ranks.Or(learned), Environment.GetEnvironmentVariable), cancel);

    /// <summary>
    /// Opens a committed snapshot to read all or parts of it, into whatever the caller likes: a model alone for evaluation,
    /// some layers for another one. Nothing is fetched before it is read.
    /// </summary>
    /// <param name="run">The run's name.</param>
    /// <param name="snapshot">Which snapshot of it.</param>
    /// <param name="parts">
    /// Patterns of <c>item</c> or <c>item/name</c>, such as <c>model/blocks.0.*</c>: <c>*</c> stands for any characters, <c>?</c> for
    /// one. None means everything.
    /// </param>
    /// <param name="cancel">Ends the opening, and all reading later: it lives as long as the snapshot is read.</param>
    /// <exception cref="NotFoundException">There is no such run or snapshot, or a pattern matches nothing.</exception>
    /// <exception cref="InvalidInputException">The name is no run id, a pattern is empty, or this program's bucket is not the silo's.</exception>
    /// <exception cref="CorruptException">No block of the ledger commits it, or a manifest is damaged.</exception>
    /// <exception cref="UnavailableException">No silo or no bucket answers.</exception>
    public async Task<SavedSnapshot> ReadAsync(
        string run, SnapshotRef snapshot, IEnumerable<string> parts, CancellationToken cancel = default)
    {
        var (id, patterns) = (RunId.Parse(run), new PartPatterns(parts));
        await WaitForSiloAsync(_client.ConnectPatience, cancel);
        await _fit.CheckAsync(cancel);
        var view = await History.FindAsync(id, snapshot, cancel);
        if (view.Link is not { } link)
            throw new NotFoundException($"Snapshot #{view.Sequence} of run {id} is {view.State}, not committed.");
        var reading = new SnapshotReading(StoreFor(id).Objects, Watch(), _save.Readers);
        return await reading.OpenAsync(id, link, view.Position, patterns, cancel);
    }

    /// <summary>
    /// Commits saves of a run that were kept on this machine (Ciuic:Save:SpoolDirectory) while the bucket was away. Opening the run does it,
    /// too. Those behind which somebody has trained from elsewhere stay where they are.
    /// </summary>
    /// <param name="run">The run's name.</param>
    /// <param name="discard">Whether to remove them instead.</param>
    /// <param name="cancel">Ends it; what is left can be synced later.</param>
    /// <returns>What became of each; none where none was kept.</returns>
    /// <exception cref="ConflictException">The run is being trained.</exception>
    /// <exception cref="CorruptException">The ledger was rolled back or forked since this machine last looked.</exception>
    /// <exception cref="UnavailableException">No silo or no bucket answers.</exception>
    public async Task<IReadOnlyList<SyncedSave>> SyncAsync(string run, bool discard = false, CancellationToken cancel = default)
    {
        var id = RunId.Parse(run);
        if (_save.SpoolFolder is not { } folder || !Spool.Exists(folder, id))
            return [];
        using (var spool = await Spool.OpenAsync(folder, id, cancel))
        {
            var entries = await spool.ListAsync(cancel);
            if (discard || entries.Count == 0)
                return await DiscardAsync(spool, entries, cancel);
        }

        var logger = _loggers.CreateLogger<TrainingRun>();
        await using var training = New(id, RankPlace.Alone(Guid.CreateVersion7()), _client.Refusing(), logger);
        using var ending = training.EndingWith(cancel);
        await OpenAsync(training, cancel);
        return await SyncAsync(training, logger, ending.Token);
    }

    /// <summary>Returns when a silo answers.</summary>
    /// <exception cref="UnavailableException">None did within the patience.</exception>
    public async Task WaitForSiloAsync(TimeSpan patience, CancellationToken cancel = default)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(patience);
        try
        {
            await _coordinator.ConnectAsync(deadline.Token);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new UnavailableException(
                $"No silo answers at {Address} within {patience.TotalSeconds:0} s. {(error.InnerException is { } why ? $"{why.Message.TrimEnd('.')}. " : "")}"
                + "Start one (dotnet run --project hosting/Ciuic.Silo) or set Ciuic:Client:"
                + $"{(_client.IsHttp ? nameof(_client.Endpoint) : nameof(_client.Gateways))}.");
        }
    }

    /// <summary>What the silos stand on; null where their release does not say.</summary>
    /// <exception cref="UnavailableException">No silo answers.</exception>
    public async Task<BucketView?> DescribeBucketAsync(CancellationToken cancel = default)
    {
        await WaitAsync(cancel);
        return await _coordinator.DescribeBucketAsync(cancel);
    }

    /// <summary>Gives back the connections to cluster and bucket. Runs are closed before: what they have on their way needs both.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        if (_heads is not null)
            await _heads.DisposeAsync();
        await _coordinator.DisposeAsync();
        foreach (var owned in _owned)
            await CloseAsync(owned);
    }

    internal async Task<TrainingRun> OpenRunAsync(RunId id, RankPlace place, CancellationToken cancel)
    {
        if (_isClosed)
            throw new InvalidInputException($"The connection is closed: connect again to open run {id}.");
        var logger = _loggers.CreateLogger<TrainingRun>();
        var run = New(id, place, _client, logger);
        try
        {
            await OpenAsync(run, cancel);
            var left = long.MaxValue;
            while (place.IsAlone && !await TrySyncAsync(run, logger, cancel))
            {
                // What it had begun to commit must not come in behind what is trained from here: another attempt settles that. It may
                // have been the first of many that only needed longer; as long as each time some are committed, it goes on.
                var closing = run;
                run = New(id, RankPlace.Alone(Guid.CreateVersion7()), _client, logger); // it listens for SIGTERM before the other stops
                await closing.CloseAsync(TimeSpan.Zero);
                await OpenAsync(run, cancel);
                var before = left;
                left = Spool.CountOf(_save.SpoolFolder!, id);
                if (left == 0 || left >= before)
                    break;
            }
        }
        catch (UnavailableException error)
        {
            logger.OpenedWithoutSilo(id, error.Message);
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }

        return run;
    }

    private TrainingRun New(RunId id, RankPlace place, ClientOptions client, ILogger logger)
    {
        var run = new TrainingRun(id, place, client, _save, _ranks, Codec, _coordinator, StoreFor(id), _fit, Watch(), _time, logger);
        run.OnSaveProgress += progress =>
        {
            if (progress.Stage == SaveStage.Committed)
                _heads?.Announce(id);
        };
        return run;
    }

    /// <summary>
    /// What was kept while the bucket was away is the newest there is: it is committed before the run is resumed. Should that not be possible
    /// now, training begins all the same.
    /// </summary>
    /// <returns>Whether it came to its end.</returns>
    private async Task<bool> TrySyncAsync(TrainingRun run, ILogger logger, CancellationToken cancel)
    {
        if (_save.SpoolFolder is not { } folder || !Spool.Exists(folder, run.Id))
            return true;
        using var ending = run.EndingWith(cancel);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        try
        {
            patience.CancelAfter(_client.ConnectPatience + TimeSpan.FromSeconds(Spool.BytesOf(folder, run.Id) / SlowestSync));
            await SyncAsync(run, logger, patience.Token);
            return true;
        }
        catch (Exception error) when (!ending.IsCancellationRequested)
        {
            logger.SpoolLeft(run.Id, error.Message);
            return false;
        }
    }

    private async Task<IReadOnlyList<SyncedSave>> SyncAsync(TrainingRun run, ILogger logger, CancellationToken cancel)
    {
        await Watch().CheckAsync(run.Id, logger, mustAnswer: true, cancel);
        var synced = await run.SyncAsync(cancel);
        foreach (var save in synced)
        {
            if (save.Outcome == SyncOutcome.Committed)
                logger.SpoolCommitted(run.Id, save.Step);
            else if (save.Outcome == SyncOutcome.Discarded)
                logger.SpoolRemoved(run.Id, save.Step, save.Reason);
            else
                logger.SpoolLeft(run.Id, $"step {save.Step}: {save.Reason}");
        }

        return synced;
    }

    private static async Task<IReadOnlyList<SyncedSave>> DiscardAsync(
        Spool spool, IReadOnlyList<SpoolEntry> entries, CancellationToken cancel)
    {
        foreach (var entry in entries)
            await spool.RemoveAsync(entry.Key, cancel);
        return [.. entries.Select(e => new SyncedSave(e.Save?.Plan.Step ?? 0, SyncOutcome.Discarded, null, e.Problem))];
    }

    /// <summary>One that several use is closed by whoever has opened it.</summary>
    private static async ValueTask CloseAsync(object owned)
    {
        if (owned is IAsyncDisposable closing)
            await closing.DisposeAsync();
        else if (owned is IDisposable disposable)
            disposable.Dispose();
    }

    private Task WaitAsync(CancellationToken cancel) => WaitForSiloAsync(_client.ConnectPatience, cancel);

    private string Address => _client.IsHttp ? _client.Endpoint : string.Join(", ", _client.Gateways);

    private static GatewayConnection Gateway(ClientOptions client)
    {
        var endpoint = new Uri(client.Endpoint);
        return new GatewayConnection(
            endpoint,
            () => LocalKey.Find(endpoint, client.ApiKey, client.ApiKeyFile, Environment.GetEnvironmentVariable),
            TrustedAuthorities.Read(client.CaFile, "Ciuic:Client:CaFile"));
    }

    private static RetryingObjectStore Patient(GatewayStore store, TimeProvider time) => new(store, new RetryOptions(), time);

    /// <summary>A gateway shows each run its own objects.</summary>
    private RunStore StoreFor(RunId run)
    {
        if (_bytes is null)
            return new RunStore(_store, Receipts: null);
        var gateway = new GatewayStore(_bytes, run);
        return new RunStore(Patient(gateway, _time), gateway.Receipts);
    }

    /// <summary>A gateway checks a chunk before it stores it, and differences cannot be checked alone.</summary>
    private CodecOptions Codec => _bytes is null || _codec.Mode == CodecMode.Raw
        ? _codec
        : new CodecOptions { Mode = CodecMode.Planes };

    private LedgerWatch Watch() => new(new LedgerBucket(_store, _client.Ledger), _policy, _accepted);

    /// <summary>
    /// What is kept on this machine is newer than anything that is committed, and nobody but a silo can make it what training goes on from:
    /// worth waiting for, longer than where nothing is lost by going on.
    /// </summary>
    private TimeSpan PatienceFor(RunId run)
    {
        if (_save.SpoolFolder is not { } folder || Spool.CountOf(folder, run) == 0)
            return _client.ConnectPatience;
        var patience = _client.StorePatience < WithSpool ? _client.StorePatience : WithSpool;
        return patience > _client.ConnectPatience ? patience : _client.ConnectPatience;
    }

    /// <summary>One lost answer, while silos fail over, must not make a run without a silo.</summary>
    private async Task OpenAsync(TrainingRun run, CancellationToken cancel)
    {
        using var ending = run.EndingWith(cancel);
        var begin = _time.GetTimestamp();
        while (true)
        {
            await WaitForSiloAsync(PatienceFor(run.Id), ending.Token);
            try
            {
                await run.OpenAsync(ending.Token);
                return;
            }
            catch (UnavailableException) when (_time.GetElapsedTime(begin) < _client.ConnectPatience)
            {
                await Task.Delay(BetweenTries, _time, ending.Token);
            }
        }
    }
}
