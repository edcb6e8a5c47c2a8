using System.Globalization;
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
    private const char Shelf = '~';
    private const long ShelfSize = 100_000;

    /// <summary>The path of an object, or of a folder of objects.</summary>
    public string PathOf(string key) => $"{Root}/{string.Join('/', key.Split('/').Select(WithShelf))}";

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

    /// <summary>Whether a folder's name is one that only divides a longer list of names.</summary>
    public static bool IsShelf(string name) => name.Length > 1 && name[0] == Shelf && name.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary>
    /// A name node takes some hundred thousand names in a folder, about a million by default, and there is a block for every second:
    /// names that end in a large number stand in folders of so many each, whose own names no key has.
    /// </summary>
    private static string WithShelf(string name)
    {
        var digits = name.Length - 1 - name.AsSpan().LastIndexOfAnyExceptInRange('0', '9');
        return digits is > 5 and <= 18 && long.Parse(name.AsSpan(name.Length - digits), CultureInfo.InvariantCulture) / ShelfSize is > 0 and var shelf
            ? string.Create(CultureInfo.InvariantCulture, $"{Shelf}{shelf}/{name}")
            : name;
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
