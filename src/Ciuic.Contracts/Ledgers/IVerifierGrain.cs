using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>
/// Re-reads stored chunks and checks every byte. Many of them, spread over the silos; the key only spreads the
/// load.
/// </summary>
[Alias("ciuic.IVerifierGrain")]
public interface IVerifierGrain : IGrainWithIntegerKey
{
    /// <summary>Checks chunks; returns one complaint per damaged one, by its place in the request.</summary>
    /// <exception cref="UnavailableException">The store does not answer; ask again.</exception>
    [Alias("Verify"), ResponseTimeout("00:02:00")]
    Task<Dictionary<int, string>> VerifyAsync(ChunkToVerify[] chunks);
}

/// <summary>One chunk to check.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Length">Plain bytes the manifest promises.</param>
/// <param name="Bases">What it is the difference to, nearest first; empty where it is stored whole.</param>
[GenerateSerializer, Immutable, Alias("ciuic.ChunkToVerify")]
public readonly record struct ChunkToVerify(ChunkId Id, int Length, ChunkId[] Bases);
