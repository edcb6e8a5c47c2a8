using Orleans.Concurrency;

namespace Ciuic.Benchmarks;

/// <summary>What the ledger is compared with: a grain that does nothing, and one that keeps records in its own state.</summary>
[Alias("ciuic.benchmarks.IPlainGrain")]
public interface IPlainGrain : IGrainWithStringKey
{
    /// <summary>Does nothing.</summary>
    [Alias("Empty"), AlwaysInterleave]
    Task EmptyAsync();

    /// <summary>Writes the state once for this record alone.</summary>
    [Alias("AppendAlone")]
    Task AppendAloneAsync(byte[] record);

    /// <summary>Shares one write with everybody who waits.</summary>
    [Alias("AppendTogether"), AlwaysInterleave]
    Task AppendTogetherAsync(byte[] record);
}
