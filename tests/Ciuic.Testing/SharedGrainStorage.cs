using System.Collections.Concurrent;
using Ciuic.Core;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;

namespace Ciuic.Testing;

/// <summary>
/// Grain storage that outlives silos, with ETags, on the serializer that the real one uses and in the rows that it would use; its
/// n-th write can be made to go wrong.
/// </summary>
public sealed class SharedGrainStorage
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (byte[] State, int Version)> _rows = [];
    private Task _reads = Task.CompletedTask;
    private Task _writes = Task.CompletedTask;
    private int _failAt = -1;
    private Fault _fault;

    public List<string> Writes { get; } = [];

    /// <summary>Rows read so far, in order.</summary>
    public ConcurrentQueue<string> Reads { get; } = [];

    /// <summary>What reading a row ends with; null: it is read.</summary>
    public Func<string, Exception?>? Unreadable { get; set; }

    public bool Happened { get; private set; }

    public void Arm(int write, Fault fault)
    {
        lock (_lock)
        {
            _failAt = write < 0 ? -1 : Writes.Count + write;
            _fault = fault;
            Happened = false;
        }
    }

    /// <summary>What a backup taken now would hold.</summary>
    public SharedGrainStorage Backup()
    {
        var backup = new SharedGrainStorage();
        lock (_lock)
        {
            foreach (var (key, row) in _rows)
                backup._rows[key] = row;
        }

        return backup;
    }

    /// <summary>Reads wait until the answer is disposed.</summary>
    public IDisposable HoldReads()
    {
        var held = new Hold();
        _reads = held.Until;
        return held;
    }

    /// <summary>Writes wait until the answer is disposed.</summary>
    public IDisposable HoldWrites()
    {
        var held = new Hold();
        _writes = held.Until;
        return held;
    }

    public IGrainStorage On(Serializer serializer) => new Provider(this, serializer);

    /// <summary>As Orleans' AdoNet storage names rows: what it can read as a GUID or a number is one, whatever it looks like.</summary>
    private static string RowOf(string stateName, GrainId grain)
    {
        if (grain.TryGetGuidKey(out var guid, out var extension))
            return $"{stateName}/{guid}+{extension}";
        if (!grain.TryGetIntegerKey(out var number, out extension))
            return $"{stateName}/{grain.Key}";
        return number == 0 && extension is not null ? $"{stateName}/{extension}" : $"{stateName}/{number}+{extension}";
    }

    private bool Fails(string key)
    {
        var fails = Writes.Count == _failAt;
        Writes.Add(key);
        Happened |= fails;
        return fails;
    }

    private sealed class Hold : IDisposable
    {
        private readonly TaskCompletionSource _until = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Until => _until.Task;

        public void Dispose() => _until.TrySetResult();
    }

    private sealed class Provider(SharedGrainStorage shared, Serializer serializer) : IGrainStorage
    {
        public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await shared._reads;
            if (shared.Unreadable?.Invoke(RowOf(stateName, grainId)) is { } error)
                throw error;
            lock (shared._lock)
            {
                shared.Reads.Enqueue(RowOf(stateName, grainId));
                grainState.RecordExists = shared._rows.TryGetValue(RowOf(stateName, grainId), out var row);
                grainState.State = grainState.RecordExists
                    ? serializer.Deserialize<T>(row.State)
                    : Activator.CreateInstance<T>();
                grainState.ETag = grainState.RecordExists ? $"{row.Version}" : null;
            }
        }

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await shared._writes;
            var key = RowOf(stateName, grainId);
            lock (shared._lock)
            {
                var fails = shared.Fails(key);
                if (fails && shared._fault != Fault.FailsAfter)
                    throw new IOException($"injected: write of {key} {shared._fault}");
                var there = shared._rows.TryGetValue(key, out var row);
                if ((there ? $"{row.Version}" : null) != grainState.ETag)
                    throw new InconsistentStateException($"{key}: stale write");
                shared._rows[key] = (serializer.SerializeToArray(grainState.State), row.Version + 1);
                if (fails)
                    throw new IOException($"injected: write of {key} {shared._fault}");
                grainState.ETag = $"{row.Version + 1}";
                grainState.RecordExists = true;
            }
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            throw new InvalidOperationException("Ciuic never clears state.");
    }
}
