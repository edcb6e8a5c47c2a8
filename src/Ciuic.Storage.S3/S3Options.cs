using System.ComponentModel.DataAnnotations;

namespace Ciuic.Storage.S3;

/// <summary>
/// Section <c>Ciuic:S3</c>: the server behind <c>s3://BUCKET/PREFIX</c>. Amazon's own where no endpoint is given; MinIO, Ceph and
/// others by theirs.
/// </summary>
public sealed class S3Options : HttpStoreSettings
{
    /// <summary>The server's URL, <c>http://</c> or <c>https://</c>; empty for Amazon's in the region.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>The region that requests are signed for. Ceph takes <c>default</c>, MinIO any. Default <c>us-east-1</c>.</summary>
    [Required]
    public string Region { get; set; } = "us-east-1";

    /// <summary>
    /// Whether the bucket stands in the path (<c>HOST/BUCKET/KEY</c>) and not in the host's name. Only with an endpoint of one's own;
    /// few of those have a name for each bucket. Default true.
    /// </summary>
    public bool PathStyle { get; set; } = true;

    /// <summary>
    /// Name of the key. Empty, with <see cref="SecretKey"/>: the SDK's usual chain (environment, profile, the machine's or
    /// pod's role). A secret: environment variable <c>Ciuic__S3__AccessKey</c>.
    /// </summary>
    public string AccessKey { get; set; } = "";

    /// <summary>The key itself. A secret: environment variable <c>Ciuic__S3__SecretKey</c>.</summary>
    public string SecretKey { get; set; } = "";

    /// <summary>Times that a request is repeated, by the SDK's rules. Default 4.</summary>
    [Range(0, 20)]
    public int MaxRetries { get; set; } = 4;

    /// <summary>Reads that are longer are split into ranges of this many bytes, read at once; 1 MiB to 1 GiB. Default 8 MiB.</summary>
    [Range(1 << 20, 1 << 30)]
    public int RangeBytes { get; set; } = 8 << 20;
}
