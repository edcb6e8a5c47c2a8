using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Native;

/// <summary>What can be called; see FORMAT.md.</summary>
internal sealed class Calls
{
    private readonly Handles _open = new();
    private readonly KeptLog _log = new();

    static Calls() => OwnFolder.Use();

    private static NativeJson Json => NativeJson.Default;

    public Task<byte[]> CallAsync(string method, byte[] arguments) => method switch
    {
        "open" => AnswerAsync(arguments, Json.OpenArguments, Json.Handle, OpenAsync),
        "close" => AnswerAsync(arguments, Json.CloseArguments, Json.Nothing, CloseAsync),
        "open_run" => AnswerAsync(arguments, Json.OpenRunArguments, Json.Handle, OpenRunAsync),
        "status" => AnswerAsync(arguments, Json.Handle, Json.RunStatus, StatusAsync),
        "resume" => AnswerAsync(arguments, Json.Handle, Json.ResumeAnswer, ResumeAsync),
        "read" => AnswerAsync(arguments, Json.SnapshotArguments, Json.ReadAnswer, ReadAsync),
        "copy" => AnswerAsync(arguments, Json.CopyArguments, Json.Nothing, CopyAsync),
        "bytes" => AnswerAsync(arguments, Json.BytesArguments, Json.BytesAnswer, BytesAsync),
        "check" => AnswerAsync(arguments, Json.Handle, Json.Nothing, CheckAsync),
        "due" => AnswerAsync(arguments, Json.DueArguments, Json.DueAnswer, DueAsync),
        "save" => AnswerAsync(arguments, Json.SaveArguments, Json.SaveAnswer, SaveAsync),
        "saves" => AnswerAsync(arguments, Json.Handle, Json.SavesAnswer, SavesAsync),
        "continue_from" => AnswerAsync(arguments, Json.ContinueArguments, Json.Nothing, ContinueFromAsync),
        "wait" => AnswerAsync(arguments, Json.WaitArguments, Json.WaitAnswer, WaitAsync),
        "find" => AnswerAsync(arguments, Json.SnapshotArguments, Json.SnapshotSummary, FindAsync),
        "list" => AnswerAsync(arguments, Json.RunArguments, Json.ListAnswer, ListAsync),
        "sync" => AnswerAsync(arguments, Json.SyncArguments, Json.SyncAnswer, SyncAsync),
        "rollback" => AnswerAsync(arguments, Json.SnapshotArguments, Json.SnapshotSummary, RollbackAsync),
        "log" => Task.FromResult(JsonSerializer.SerializeToUtf8Bytes(new LogAnswer(_log.Take()), Json.LogAnswer)),
        _ => throw new InvalidInputException($"There is no method '{method}'."),
    };

    private static async Task<byte[]> AnswerAsync<TArguments, TAnswer>(
        byte[] arguments, JsonTypeInfo<TArguments> type, JsonTypeInfo<TAnswer> answer, Func<TArguments, Task<TAnswer>> call)
        where TArguments : class
    {
        return JsonSerializer.SerializeToUtf8Bytes(await call(Parse(arguments, type)), answer);
    }

    private static T Parse<T>(byte[] arguments, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(arguments, type) ?? throw new InvalidInputException("The arguments are the word null.");
        }
        catch (JsonException error)
        {
            throw ArgumentComplaint.Of(error, arguments);
        }
    }

    private async Task<Handle> OpenAsync(OpenArguments open)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(open.Settings).Build();
        return new Handle(_open.Add(await SnapshotChain.ConnectAsync(configuration, _log, new StoreSchemes(new S3Scheme()))));
    }

    private async Task<Nothing> CloseAsync(CloseArguments arguments)
    {
        switch (_open.Take(arguments.Id))
        {
            case OpenRun opened:
                await opened.CloseAsync(TimeSpan.FromSeconds(Math.Clamp(arguments.Seconds, 0, 86_400)));
                break;
            case SaveHandle:
                foreach (var run in _open.All<OpenRun>())
                    run.Forget(arguments.Id);
                break;
            case IAsyncDisposable closing:
                await closing.DisposeAsync();
                break;
            case Source source:
                source.Opened?.Dispose();
                break;
        }

        return new Nothing();
    }

    private async Task<Handle> OpenRunAsync(OpenRunArguments arguments)
    {
        var chain = _open.Get<SnapshotChain>(arguments.Chain);
        var ranks = new RankOptions { Rank = arguments.Rank, WorldSize = arguments.WorldSize, Attempt = arguments.Attempt };
        return new Handle(_open.Add(new OpenRun(chain, await chain.OpenRunAsync(arguments.Run, ranks))));
    }

    private Task<RunStatus> StatusAsync(Handle handle)
    {
        var run = _open.Get<OpenRun>(handle.Id).Run;
        return Task.FromResult(new RunStatus(
            run.Rank, run.WorldSize, run.IsFenced, run.Token?.Value, run.WaitingSaves, run.SkippedSaves));
    }

    private async Task<ResumeAnswer> ResumeAsync(Handle handle)
    {
        var opened = _open.Get<OpenRun>(handle.Id);
        var (report, items) = await opened.ResumeAsync();
        var source = new Source(items, null, opened);
        return new ResumeAnswer(
            report.From is null ? 0 : _open.Add(source),
            report.From is { } from ? await opened.DescribeAsync(report, from) : null,
            report.Progress.Step,
            source.View(),
            [.. report.Damage],
            report.WithoutSilo);
    }

    private async Task<ReadAnswer> ReadAsync(SnapshotArguments arguments)
    {
        var chain = _open.Get<SnapshotChain>(arguments.Chain);
        var saved = await chain.ReadAsync(arguments.Run, SnapshotRef.Parse(arguments.Reference), arguments.Parts);
        var source = new Source(saved.Items, saved, null);
        return new ReadAnswer(_open.Add(source), Summary.Of(saved), source.View());
    }

    private async Task<Nothing> CopyAsync(CopyArguments copy)
    {
        await _open.Get<Source>(copy.Source).CopyAsync(copy.Targets);
        return new Nothing();
    }

    private async Task<BytesAnswer> BytesAsync(BytesArguments arguments) =>
        new(await _open.Get<Source>(arguments.Source).ReadAsync(arguments.Item, arguments.Name));

    private async Task<Nothing> CheckAsync(Handle source)
    {
        await _open.Get<Source>(source.Id).CheckAsync();
        return new Nothing();
    }

    private async Task<DueAnswer> DueAsync(DueArguments arguments) =>
        new(await _open.Get<OpenRun>(arguments.Run).IsDueAsync(arguments.Step, arguments.EndOfEpoch));

    private async Task<SaveAnswer> SaveAsync(SaveArguments arguments)
    {
        var id = 0L;
        var save = await _open.Get<OpenRun>(arguments.Run).SaveAsync(arguments, handle => id = _open.Add(handle));
        return new SaveAnswer(id, save.Stall.TotalSeconds, save.Bytes, [.. save.EarlierErrors.Select(ExitCode.Reason)]);
    }

    private Task<SavesAnswer> SavesAsync(Handle handle) => Task.FromResult(new SavesAnswer(
        [.. _open.Get<OpenRun>(handle.Id).Saves().Select(s => new SaveView(s.Id, s.Save.Step, s.Save.Stall.TotalSeconds, s.Save.Bytes))]));

    private async Task<Nothing> ContinueFromAsync(ContinueArguments arguments)
    {
        var from = new SnapshotLink { Sequence = new Sequence(arguments.Sequence), Manifest = ManifestDigest.Parse(arguments.Manifest) };
        await _open.Get<OpenRun>(arguments.Run).ContinueFromAsync(from, arguments.Reason);
        return new Nothing();
    }

    private async Task<WaitAnswer> WaitAsync(WaitArguments arguments)
    {
        var save = _open.Get<SaveHandle>(arguments.Save);
        var end = arguments.Final ? save.Final : save.Committed;
        var wait = Task.Delay(TimeSpan.FromSeconds(Math.Clamp(arguments.Seconds, 0, 3_600)));
        if (await Task.WhenAny(end, wait) != end)
            return new WaitAnswer("pending", 0, "");
        var link = await end;
        return new WaitAnswer("committed", link.Sequence.Value, link.Manifest.ToString());
    }

    private async Task<SnapshotSummary> FindAsync(SnapshotArguments arguments)
    {
        var chain = _open.Get<SnapshotChain>(arguments.Chain);
        return Summary.Of(await chain.History.FindAsync(RunId.Parse(arguments.Run), SnapshotRef.Parse(arguments.Reference)));
    }

    private async Task<ListAnswer> ListAsync(RunArguments arguments)
    {
        var (history, run) = (_open.Get<SnapshotChain>(arguments.Chain).History, RunId.Parse(arguments.Run));
        var committed = new List<SnapshotSummary>();
        await foreach (var view in history.ListSnapshotsAsync(run))
        {
            if (view.Link is not null)
                committed.Add(Summary.Of(view));
        }

        return new ListAnswer([.. committed]);
    }

    private async Task<SyncAnswer> SyncAsync(SyncArguments arguments)
    {
        var saves = await _open.Get<SnapshotChain>(arguments.Chain).SyncAsync(arguments.Run, arguments.Discard);
        return new SyncAnswer([.. saves.Select(s => new SyncedSaveView(
            s.Step, s.Outcome.ToString().ToLowerInvariant(), s.Snapshot?.Sequence.Value ?? 0, s.Reason))]);
    }

    private async Task<SnapshotSummary> RollbackAsync(SnapshotArguments arguments)
    {
        var (history, run) = (_open.Get<SnapshotChain>(arguments.Chain).History, RunId.Parse(arguments.Run));
        var actor = $"{Environment.UserName}@{Environment.MachineName}";
        var view = await history.RollbackAsync(run, SnapshotRef.Parse(arguments.Reference), arguments.Reason, actor, arguments.Force);
        return Summary.Of(await history.FindAsync(run, new SnapshotRef.AtSequence(view.Head!.Sequence)));
    }
}
