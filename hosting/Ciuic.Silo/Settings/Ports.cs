using System.Net;
using System.Net.Sockets;
using Ciuic.Core;

namespace Ciuic.Silo;

/// <summary>
/// Makes sure that nobody listens on our ports: Orleans shares its listening ports, so that a second silo would start
/// without an error and take half of the connections.
/// </summary>
internal static class Ports
{
    /// <exception cref="InvalidInputException">The port is in use.</exception>
    public static void EnsureFree(string setting, string address, int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Parse(address), port);
            listener.Start();
        }
        catch (SocketException error)
        {
            throw new InvalidInputException(
                $"{setting}: port {port} of {address} cannot be had ({error.Message}): another silo or program has it. Stop it or choose "
                + "another port.",
                error);
        }
    }
}
