using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ciuic.Core;
using Orleans.Messaging;
using Orleans.Runtime;

namespace Ciuic.Client;

/// <summary>
/// The gateways that the settings name, looked up again and again: a name may stand for every silo of a cluster, and silos that
/// are started anew elsewhere have new addresses.
/// </summary>
/// <param name="gateways">Each an address or a name, with a port.</param>
/// <param name="refresh">Time between two looks.</param>
internal sealed class NamedGateways(IReadOnlyList<EndPoint> gateways, TimeSpan refresh) : IGatewayListProvider
{
    public TimeSpan MaxStaleness => refresh;

    public bool IsUpdatable => true;

    /// <summary>Reads <c>address:port</c>, <c>[address]:port</c> or <c>name:port</c>.</summary>
    /// <exception cref="InvalidInputException">It is neither.</exception>
    public static EndPoint Parse(string text)
    {
        if (IPEndPoint.TryParse(text, out var address) && address.Port != 0)
            return address;
        return text.Split(':') is [var name, var digits]
            && Uri.CheckHostName(name) == UriHostNameType.Dns
            && ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port != 0
            ? new DnsEndPoint(name, port)
            : throw new InvalidInputException($"Ciuic:Client:Gateways: '{text}' is not address:port or name:port.");
    }

    public Task InitializeGatewayListProvider() => Task.CompletedTask;

    /// <exception cref="UnavailableException">No name can be looked up now; Orleans keeps the addresses it had.</exception>
    public async Task<IList<Uri>> GetGateways()
    {
        var found = await Task.WhenAll(gateways.Select(LookUpAsync));
        var addresses = found.SelectMany(f => f).Distinct().ToList();
        return addresses.Count > 0
            ? addresses.ConvertAll(address => address.ToGatewayUri())
            : throw new UnavailableException($"Ciuic:Client:Gateways: no address is known for {string.Join(", ", gateways)}.");
    }

    /// <summary>A name that is unknown now must not take the others' silos away.</summary>
    private static async Task<IEnumerable<IPEndPoint>> LookUpAsync(EndPoint gateway)
    {
        if (gateway is not DnsEndPoint named)
            return [(IPEndPoint)gateway];
        try
        {
            return (await Dns.GetHostAddressesAsync(named.Host)).Select(address => new IPEndPoint(address, named.Port));
        }
        catch (SocketException)
        {
            return [];
        }
    }
}
