using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Where accepted tree heads are kept: small texts by name.</summary>
public interface IHeadMemory
{
    /// <summary>Where a text of this name is, for messages: who knows why it is wrong deletes it there.</summary>
    string PlaceOf(string name);

    /// <summary>All of them, by name.</summary>
    /// <exception cref="InvalidInputException">They cannot be read.</exception>
    /// <exception cref="UnavailableException">They cannot be read now.</exception>
    Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken cancel);

    /// <summary>Writes one, durable when this returns.</summary>
    /// <param name="name">Letters, digits, '.', '_' and '-'.</param>
    /// <param name="before">What was read there; null for nothing.</param>
    /// <param name="text">What is to be there.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>False where somebody else has written meanwhile: read again.</returns>
    /// <exception cref="UnavailableException">It cannot be written.</exception>
    Task<bool> TryWriteAsync(string name, string? before, string text, CancellationToken cancel);

    /// <summary>Removes one that another has made superfluous; no error where it is gone, or cannot be removed.</summary>
    Task ForgetAsync(string name, CancellationToken cancel);
}
