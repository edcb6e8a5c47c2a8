using System.ComponentModel.DataAnnotations;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>Section <c>Ciuic:Store</c>: the bucket that silos and trainers share.</summary>
public sealed class StoreOptions
{
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(1);

    /// <summary><c>file:PATH</c> or <c>memory:</c>; see <see cref="StoreUri"/>.</summary>
    [Required]
    public string Uri { get; set; } = "file:artifacts/store";

    /// <summary>
    /// Whether a file store writes large objects past the page cache. Default <see cref="DirectWrites.Auto"/>.
    /// </summary>
    [EnumDataType(typeof(DirectWrites))]
    public DirectWrites DirectWrites { get; set; } = DirectWrites.Auto;

    /// <summary>Whether the bucket outlives this process.</summary>
    public bool IsDurable => Uri != "memory:";

    /// <summary>Opens the bucket, with retries.</summary>
    /// <exception cref="InvalidInputException">The URI names no store this program knows.</exception>
    /// <exception cref="UnavailableException">The store cannot be opened.</exception>
    public IObjectStore Open(TimeProvider time) => new RetryingObjectStore(OpenOnce(), new RetryOptions(), time);

    /// <summary>
    /// Deletes what processes that died have left unfinished. A live process finishes its files within seconds; an hour is
    /// no risk for anybody's.
    /// </summary>
    /// <returns>The number of files deleted.</returns>
    public int DeleteLeftovers(TimeProvider time) => OpenOnce() is FileObjectStore files
        ? files.DeleteTemporaryFiles(time.GetUtcNow() - LeftoverAge)
        : 0;

    private IObjectStore OpenOnce()
    {
        try
        {
            return StoreUri.Open(Uri, DirectWrites);
        }
        catch (InvalidInputException error)
        {
            throw new InvalidInputException($"Ciuic:Store:Uri: {error.Message}", error);
        }
        catch (UnavailableException error)
        {
            throw new UnavailableException($"Ciuic:Store:Uri: {error.Message}", error);
        }
    }
}
