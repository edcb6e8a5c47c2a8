using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>
/// Re-reads stored chunks and checks every byte. Many of them, spread over the silos; the key only spreads the
/// load.
/// </summary>
[Alias("ciuic.IVerifierGrain")]
public interface IVerifierGrain : IGrainWithIntegerKey
{
    /// <summary>Checks chunks; returns one complaint per damaged one.</summary>
    /// <exception cref="UnavailableException">The store does not answer; ask again.</exception>
    [Alias("VerifyFamilies"), ResponseTimeout("00:02:00")]
    Task<Dictionary<ChunkId, string>> VerifyAsync(FamilyToVerify[] families);

    /// <summary>The same, and nothing is believed that is in memory since it was read before: every byte comes from the store.</summary>
    /// <exception cref="UnavailableException">The store does not answer; ask again.</exception>
    [Alias("VerifyAnew"), ResponseTimeout("00:02:00")]
    Task<Dictionary<ChunkId, string>> VerifyAnewAsync(FamilyToVerify[] families);
}

/// <summary>Chunks that are read together.</summary>
/// <param name="Order">All of them and what they need, sources first.</param>
/// <param name="Wanted">Those to check.</param>
[GenerateSerializer, Immutable, Alias("ciuic.FamilyToVerify")]
public readonly record struct FamilyToVerify(ChunkToRead[] Order, ChunkId[] Wanted);

/// <summary>One chunk, as its manifest lists it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Length">Plain bytes the manifest promises.</param>
/// <param name="Base">What it is the difference to; null where it is stored whole.</param>
/// <param name="Input1">What it is predicted from besides; null where it is not predicted.</param>
/// <param name="Input2">Likewise.</param>
[GenerateSerializer, Immutable, Alias("ciuic.ChunkToRead")]
public readonly record struct ChunkToRead(ChunkId Id, int Length, ChunkId? Base, ChunkId? Input1, ChunkId? Input2);
