namespace Ciuic.Contracts;

/// <summary>
/// Says what a cluster stands on. Whoever has a bucket at hand compares it before he does anything: bytes that are stored elsewhere than
/// where the silos look for them are lost. Any activation will do; it asks no other grain.
/// </summary>
[Alias("ciuic.IBucketGrain")]
public interface IBucketGrain : IGrainWithIntegerKey
{
    /// <summary>Which bucket and which ledger.</summary>
    [Alias("Describe")]
    Task<BucketView> DescribeAsync();
}

/// <summary>What a cluster stands on.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.BucketView")]
public sealed record BucketView
{
    /// <summary>The bucket's identity; null where it has none yet, or does not answer.</summary>
    [Id(0)]
    public required string? Bucket { get; init; }

    /// <summary>Where the bucket is, without secrets.</summary>
    [Id(1)]
    public required string Store { get; init; }

    /// <summary>The ledger that runs are committed to: a folder of the bucket.</summary>
    [Id(2)]
    public required string Ledger { get; init; }

    /// <summary>The ledger's name in the world; null where the cluster does not say.</summary>
    [Id(3)]
    public required string? Origin { get; init; }
}
