using Ciuic.Core;
using Orleans.Concurrency;

namespace Ciuic.Grains;

/// <summary>
/// Where in the ledger runs are told of, as far back as somebody on this silo has asked: each block is read once for all of them.
/// Its key is the ledger's name; each silo has its own.
/// </summary>
[Alias("ciuic.ILedgerTailGrain")]
internal interface ILedgerTailGrain : IGrainWithStringKey
{
    /// <summary>The places of a run's records from a height on, in order, in a ledger that is as long as it was when this was asked or longer.</summary>
    /// <exception cref="UnavailableException">The ledger cannot be read, or not all of it yet; ask again.</exception>
    [Alias("Find")]
    Task<RunPlaces> FindAsync(RunId run, long from);

    /// <summary>The records at these places, from blocks whose signatures are right.</summary>
    /// <exception cref="CorruptException">A block is damaged.</exception>
    [Alias("Read"), ResponseTimeout("00:02:00")]
    Task<PlacedRecord[]> ReadAsync(LedgerPosition[] places);
}

/// <summary>Where a run's records stand.</summary>
/// <param name="Places">Their places, in order.</param>
/// <param name="End">All blocks below this height were looked at.</param>
[GenerateSerializer, Immutable, Alias("ciuic.RunPlaces")]
internal sealed record RunPlaces(LedgerPosition[] Places, long End);

/// <summary>A record and where it stands.</summary>
/// <param name="Place">Its place.</param>
/// <param name="Line">Its bytes.</param>
/// <param name="At">The block's time.</param>
[GenerateSerializer, Immutable, Alias("ciuic.PlacedRecord")]
internal sealed record PlacedRecord(LedgerPosition Place, byte[] Line, DateTimeOffset At)
{
    /// <summary>What it says.</summary>
    public LedgerRecord Record => LedgerRecord.Decode(Line);
}
