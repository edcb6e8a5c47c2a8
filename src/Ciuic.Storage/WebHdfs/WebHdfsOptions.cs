using System.ComponentModel.DataAnnotations;

namespace Ciuic.Storage;

/// <summary>Section <c>Ciuic:WebHdfs</c>: how the cluster behind <c>webhdfs://HOST:PORT/PATH</c> is spoken to.</summary>
public sealed class WebHdfsOptions : HttpStoreSettings
{
    /// <summary>The user's name, on clusters that believe it (<c>user.name=</c>). Default none: the cluster's own default user.</summary>
    public string User { get; set; } = "";

    /// <summary>
    /// A file that holds a delegation token, for clusters that do not believe names. It is read for each request, so that whoever
    /// renews the token only writes the file. Default none.
    /// </summary>
    public string TokenFile { get; set; } = "";

    /// <summary>Times that a request is repeated, with growing waits of 0.2 to 5 s between. Default 6.</summary>
    [Range(0, 20)]
    public int MaxRetries { get; set; } = 6;
}
