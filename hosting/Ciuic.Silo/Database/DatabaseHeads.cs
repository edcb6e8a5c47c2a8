using Ciuic.Snapshots;

namespace Ciuic.Silo;

/// <summary>Accepted tree heads beside the grains' state: a silo on a new disk knows them, too.</summary>
internal sealed class DatabaseHeads(IClusterMemory memory) : IHeadMemory
{
    private const string Prefix = "head/";

    public string PlaceOf(string name) => $"{Prefix}{name} in table CiuicMemory of {memory.Location}";

    public async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken cancel) =>
        (await memory.ReadAllAsync(Prefix, cancel)).ToDictionary(row => row.Key[Prefix.Length..], row => row.Value, StringComparer.Ordinal);

    public Task<bool> TryWriteAsync(string name, string? before, string text, CancellationToken cancel) =>
        memory.TryWriteAsync(Prefix + name, before, text, cancel);

    /// <summary>There is none from older releases here, and each ledger has one name.</summary>
    public Task ForgetAsync(string name, CancellationToken cancel) => Task.CompletedTask;
}
