using System.ComponentModel.DataAnnotations;

namespace Ciuic.Storage;

/// <summary>Section <c>Ciuic:Store</c>: the bucket that silos and trainers share.</summary>
public sealed class StoreOptions
{
    /// <summary><c>file:PATH</c> or <c>memory:</c>; see <see cref="StoreUri"/>.</summary>
    [Required]
    public string Uri { get; set; } = "file:artifacts/store";

    /// <summary>Whether the bucket outlives this process.</summary>
    public bool IsDurable => Uri != "memory:";

    /// <summary>Opens the bucket, with retries.</summary>
    public IObjectStore Open(TimeProvider time) =>
        new RetryingObjectStore(StoreUri.Open(Uri), new RetryOptions(), time);
}
