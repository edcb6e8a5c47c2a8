using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>Where a run's saves are to be stored, as far as a save that is kept on this machine must know.</summary>
/// <param name="way">The bucket, or the way to it.</param>
/// <param name="fit">Which bucket it is, once a silo or the bucket itself has said so.</param>
internal sealed class SpoolHome(RunStore way, StoreFit fit)
{
    /// <summary>The bucket.</summary>
    public IObjectStore Store => way.Objects;

    /// <summary>A save of this process, to be committed by any later one.</summary>
    public SpooledSave Stamp(SpooledSave save) => save with
    {
        Home = Store.Location,
        Bucket = save.Base is null ? fit.Bucket : null, // a base is in one history only
        Receipts = save.InBucket && way.Receipts?.Of(save.At(SpooledSave.Placeholder)) is { Count: > 0 } receipts ? receipts : null,
    };

    /// <summary>What the gateway gave for chunks of a save that are in the bucket: nobody else has it.</summary>
    public void TakeReceipts(SpooledSave save)
    {
        foreach (var (name, receipt) in save.Receipts ?? [])
            way.Receipts?.Add(name, receipt);
    }

    /// <summary>
    /// Why a save without a base is not one of this bucket: another may have a run of the same name. A bucket is known by its identity, and by
    /// the place where nobody had said it yet.
    /// </summary>
    public string? WhyNot(SpooledSave save)
    {
        if (save is { Bucket: { } saved } && fit.Bucket is { } here)
            return saved == here ? null : $"it was to be stored in the bucket {saved} ({save.Home}), and this is {here} ({Store.Location})";
        return save.Home == Store.Location ? null : $"it was to be stored in {save.Home}, and this is {Store.Location}";
    }
}
