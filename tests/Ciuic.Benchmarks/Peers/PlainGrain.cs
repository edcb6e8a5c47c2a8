using Ciuic.Grains;
using Orleans.Runtime;

namespace Ciuic.Benchmarks;

/// <summary>Group commit in the plainest way: a pending list, one flusher, the whole state rewritten.</summary>
public sealed class PlainGrain(
    [PersistentState("plain", CiuicGrains.StorageProvider)] IPersistentState<PlainState> state) : Grain, IPlainGrain
{
    private List<(byte[] Record, TaskCompletionSource Done)> _pending = [];
    private Task _flusher = Task.CompletedTask;

    public Task EmptyAsync() => Task.CompletedTask;

    public Task AppendAloneAsync(byte[] record) => WriteAsync([record]);

    public async Task AppendTogetherAsync(byte[] record)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending.Add((record, done));
        if (_flusher.IsCompleted)
            _flusher = FlushAsync();
        await done.Task;
    }

    private async Task FlushAsync()
    {
        while (_pending.Count > 0)
        {
            var batch = _pending;
            _pending = [];
            await WriteAsync(batch.ConvertAll(p => p.Record));
            batch.ForEach(p => p.Done.SetResult());
        }
    }

    private Task WriteAsync(List<byte[]> records)
    {
        state.State.Count += records.Count;
        state.State.Newest = records;
        return state.WriteStateAsync();
    }
}
