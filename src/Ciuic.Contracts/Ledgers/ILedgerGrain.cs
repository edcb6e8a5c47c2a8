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
    /// <exception cref="UnavailableException">The witnesses have not cosigned it; commits go on.</exception>
    [Alias("Publish"), AlwaysInterleave, ResponseTimeout("00:01:00")]
    Task PublishAsync();

    /// <summary>
    /// Waits up to <paramref name="patience"/> (at most 20 s) for a published tree head that covers a block: with the
    /// quorum's cosignatures it is final. Asking again is safe.
    /// </summary>
    /// <returns>Whether the block is final.</returns>
    [Alias("WaitFinal"), AlwaysInterleave]
    Task<bool> WaitFinalAsync(long height, TimeSpan patience);

    /// <summary>How the ledger stands.</summary>
    [Alias("Describe"), AlwaysInterleave]
    Task<LedgerView> DescribeAsync();

    /// <summary>
    /// The verifier key that the next rotation of a role will put in force, so that witnesses can learn it before. Asking
    /// again names the same key.
    /// </summary>
    [Alias("PrepareKey"), AlwaysInterleave]
    Task<VerifierKey> PrepareKeyAsync(KeyRole role);

    /// <summary>
    /// Appends the record that puts a prepared key (<see cref="PrepareKeyAsync"/>) in force, signed by the old and the new
    /// one. After an unknown outcome ask again with the same key. The old key's public half stays valid for what it has
    /// signed.
    /// </summary>
    /// <exception cref="ConflictException">Another rotation came first, or the key is not at hand.</exception>
    /// <exception cref="InvalidInputException">The reason is empty or too long.</exception>
    [Alias("Rotate"), AlwaysInterleave, ResponseTimeout("00:01:00")]
    Task<LedgerView> RotateAsync(KeyRole role, VerifierKey to, string actor, string reason);
}
