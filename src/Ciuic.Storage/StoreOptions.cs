using System.ComponentModel.DataAnnotations;

namespace Ciuic.Storage;

/// <summary>Section <c>Ciuic:Store</c>: the bucket that silos and trainers share.</summary>
public sealed class StoreOptions
{
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(1);

    /// <summary>
    /// <c>file:PATH</c>, <c>webhdfs://HOST:PORT/PATH</c>, <c>memory:</c>, or, where the program brings that scheme,
    /// <c>s3://BUCKET/PREFIX</c>.
    /// </summary>
    [Required]
    public string Uri { get; set; } = "file:artifacts/store";

    /// <summary>
    /// Whether a file store writes large objects past the page cache. Default <see cref="DirectWrites.Auto"/>.
    /// </summary>
    [EnumDataType(typeof(DirectWrites))]
    public DirectWrites DirectWrites { get; set; } = DirectWrites.Auto;

    /// <summary>Whether the bucket outlives this process.</summary>
    public bool IsDurable => Uri != "memory:";

    /// <summary>
    /// Deletes what processes that died have left unfinished. A live process finishes its files within seconds; an hour is
    /// no risk for anybody's.
    /// </summary>
    /// <returns>The number of files deleted.</returns>
    public int DeleteLeftovers(TimeProvider time) => Uri.StartsWith("file:", StringComparison.Ordinal)
        && StoreUri.Open(Uri) is FileObjectStore files
            ? files.DeleteTemporaryFiles(time.GetUtcNow() - LeftoverAge)
            : 0;
}
