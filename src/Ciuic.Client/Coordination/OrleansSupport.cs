using System.Diagnostics.CodeAnalysis;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Whether this program can be an Orleans client. One that is compiled ahead of time for other languages switches it off and leaves
/// Orleans out.
/// </summary>
internal static class OrleansSupport
{
    private const string Switch = "Ciuic.Client.OrleansSupport";

    [FeatureSwitchDefinition(Switch)]
    private static bool IsOn => !AppContext.TryGetSwitch(Switch, out var isOn) || isOn;

    /// <exception cref="InvalidInputException">This program speaks to gateways only.</exception>
    public static ICoordinator Connect(ClientOptions client, ILoggerFactory loggers) => IsOn
        ? new OrleansCoordinator(new OrleansConnection(client, loggers))
        : throw new InvalidInputException("Ciuic:Client:Mode: this program speaks HTTP only.");
}
