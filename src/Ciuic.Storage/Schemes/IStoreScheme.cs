using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary>One kind of store, by how its URIs begin.</summary>
public interface IStoreScheme
{
    /// <summary>What its URIs look like, for messages.</summary>
    string Forms { get; }

    /// <summary>Whether a URI names a store of this kind.</summary>
    bool Knows(string uri);

    /// <summary>
    /// Opens a store that may be written to, with retries. Opening writes nothing, because readers and those who resume do it, too: that
    /// the store keeps the promises of <see cref="IObjectStore"/> is made sure before the first write (<see cref="ProvenObjectStore"/>).
    /// </summary>
    /// <param name="uri">Which.</param>
    /// <param name="configuration">All settings; what is the scheme's own has a section of its own.</param>
    /// <param name="cancel">Ends the opening.</param>
    /// <exception cref="Core.InvalidInputException">The store or its settings are not fit for use; asking again cannot help.</exception>
    /// <exception cref="Core.UnavailableException">It does not answer.</exception>
    Task<IObjectStore> OpenAsync(string uri, IConfiguration configuration, CancellationToken cancel);

    /// <summary>Opens a store to read from it; must not create anything.</summary>
    /// <param name="uri">Which.</param>
    /// <param name="configuration">All settings.</param>
    /// <param name="cancel">Ends the opening.</param>
    /// <exception cref="Core.NotFoundException">There is none.</exception>
    /// <exception cref="Core.InvalidInputException">Its settings are not fit for use.</exception>
    /// <exception cref="Core.UnavailableException">It does not answer.</exception>
    Task<IObjectStore> OpenExistingAsync(string uri, IConfiguration configuration, CancellationToken cancel);
}
