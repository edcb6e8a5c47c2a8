using System.Net;

namespace Ciuic.Storage;

/// <summary>
/// How every HTTP client of ours goes through proxies: those of the environment (<c>HTTP_PROXY</c>, <c>HTTPS_PROXY</c>, <c>NO_PROXY</c>),
/// but never to this machine. A proxy elsewhere cannot reach it, and would be shown the key of its administration.
/// </summary>
public static class Proxies
{
    /// <summary>A handler whose requests to this machine go there directly.</summary>
    /// <param name="proxy">The proxy for others; null for the environment's.</param>
    public static SocketsHttpHandler NewHandler(IWebProxy? proxy = null) => new() { Proxy = new BeyondThisMachine(proxy ?? HttpClient.DefaultProxy) };

    /// <summary>The proxy that requests to an address go through, without its password; null where there is none.</summary>
    /// <param name="address">The address.</param>
    /// <param name="proxy">The proxy for addresses that are not this machine's; null for the environment's.</param>
    public static string? Of(Uri address, IWebProxy? proxy = null)
    {
        var way = new BeyondThisMachine(proxy ?? HttpClient.DefaultProxy);
        return way.IsBypassed(address) || way.GetProxy(address) is not { } through || through == address
            ? null
            : through.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
    }

    /// <summary>What is added to a message about an address that does not answer.</summary>
    /// <param name="address">The address.</param>
    public static string Through(Uri address) => Of(address) is { } proxy ? $" (through the proxy {proxy}; NO_PROXY names those that need none)" : "";

    private sealed class BeyondThisMachine(IWebProxy proxy) : IWebProxy
    {
        public ICredentials? Credentials
        {
            get => proxy.Credentials;
            set => proxy.Credentials = value;
        }

        public Uri? GetProxy(Uri destination) => destination.IsLoopback ? null : proxy.GetProxy(destination);

        public bool IsBypassed(Uri host) => host.IsLoopback || proxy.IsBypassed(host);
    }
}
