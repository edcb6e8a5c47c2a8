using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>A folder of an HDFS, and the name nodes that know it.</summary>
/// <param name="NameNodes">Their addresses; one of them is active.</param>
/// <param name="Root">The folder's path: begins with '/', ends without.</param>
internal sealed record WebHdfsPlace(IReadOnlyList<Uri> NameNodes, string Root)
{
    public const string Forms = "webhdfs://HOST:PORT[,HOST:PORT]/PATH (or swebhdfs:, with TLS)";

    private const string Plain = "webhdfs://";
    private const string Tls = "swebhdfs://";

    /// <summary>The path of an object.</summary>
    public string PathOf(ObjectKey key) => $"{Root}/{key.Path}";

    public static bool IsOne(string uri) =>
        uri.StartsWith(Plain, StringComparison.Ordinal) || uri.StartsWith(Tls, StringComparison.Ordinal);

    /// <summary>Takes a URI apart.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    public static WebHdfsPlace Parse(string uri)
    {
        var isTls = uri.StartsWith(Tls, StringComparison.Ordinal);
        var parts = uri[(isTls ? Tls : Plain).Length..].Split('/', 2);
        var path = parts.Length == 2 ? parts[1].TrimEnd('/') : "";
        if (!ObjectKey.TryParse(path, out _))
            throw new InvalidInputException($"'{uri}' names no folder: use {Forms}; the path has letters, digits, '.', '_', '-', '#' and '='.");
        return new WebHdfsPlace([.. parts[0].Split(',').Select(host => Address(uri, host, isTls))], "/" + path);
    }

    private static Uri Address(string uri, string host, bool isTls)
    {
        // The port must be said: what an address without one means has changed between Hadoop 2 and 3.
        if (Uri.TryCreate($"{(isTls ? "https" : "http")}://{host}/", UriKind.Absolute, out var address)
            && address.UserInfo.Length == 0
            && host.EndsWith($":{address.Port}", StringComparison.Ordinal))
        {
            return address;
        }

        throw new InvalidInputException(
            $"'{uri}': '{host}' is no HOST:PORT of a name node's web address (9870 in Hadoop 3, 9871 with TLS).");
    }
}
