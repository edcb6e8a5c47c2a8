using System.ComponentModel.DataAnnotations;

namespace Ciuic.Storage;

/// <summary>Section <c>Ciuic:WebHdfs</c>: how the cluster behind <c>webhdfs://HOST:PORT/PATH</c> is spoken to.</summary>
public sealed class WebHdfsOptions
{
    /// <summary>The user's name, on clusters that believe it (<c>user.name=</c>). Default none: the cluster's own default user.</summary>
    public string User { get; set; } = "";

    /// <summary>
    /// A file that holds a delegation token, for clusters that do not believe names. It is read for each request, so that whoever
    /// renews the token only writes the file. Default none.
    /// </summary>
    public string TokenFile { get; set; } = "";

    /// <summary>A PEM file of certificate authorities that are trusted for <c>swebhdfs:</c> instead of the machine's. Default none.</summary>
    public string CaFile { get; set; } = "";

    /// <summary>How long a connection may take. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a request may take until its answer begins, and one second more for each 16 KiB of its body. Default 1 minute.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a body that is being read may stand still before it is asked for again. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Times that a request is repeated, with growing waits of 0.2 to 5 s between. Default 6.</summary>
    [Range(0, 20)]
    public int MaxRetries { get; set; } = 6;

    /// <summary>Connections to one server at most. Default 64.</summary>
    [Range(1, 1_024)]
    public int MaxConnections { get; set; } = 64;
}
