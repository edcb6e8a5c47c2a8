using Ciuic.Core;
using Orleans.Concurrency;

namespace Ciuic.Contracts;

/// <summary>The single writer of one ledger; its key is the ledger's name.</summary>
[Alias("ciuic.ILedgerGrain")]
public interface ILedgerGrain : IGrainWithStringKey
{
    /// <summary>
    /// Appends one record (the bytes of <see cref="LedgerRecord.Encode"/>). Returns when its block is durable:
    /// this is the commit point. The same bytes again yield the first position, as long as
    /// <paramref name="notBefore"/> is a size the ledger had before the first try.
    /// </summary>
    /// <exception cref="UnavailableException">The outcome is unknown; ask again with the same bytes.</exception>
    /// <exception cref="CorruptException">The ledger is damaged; nothing is appended to it.</exception>
    [Alias("Append"), AlwaysInterleave, ResponseTimeout("00:01:00")]
    Task<LedgerPosition> AppendAsync(byte[] record, long notBefore);

    /// <summary>Number of committed blocks.</summary>
    [Alias("GetSize"), AlwaysInterleave]
    Task<long> GetSizeAsync();

    /// <summary>Returns when the published tree head covers everything appended before the call.</summary>
    [Alias("Publish"), AlwaysInterleave]
    Task PublishAsync();
}
