using System.Globalization;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// The key that a gateway on this machine leaves for programs of the same user: whoever may read the file is that user.
/// </summary>
public static class LocalKey
{
    /// <summary>The environment variable that may hold a key.</summary>
    public const string Variable = "CIUIC_API_KEY";

    /// <summary>Where the key of the gateway at a port lies; null where there is no home.</summary>
    /// <param name="port">The gateway's port.</param>
    /// <param name="environment">A variable's value; null where it is not set.</param>
    public static string? PathFor(int port, Func<string, string?> environment) => StateFolder.Find(environment) is { } state
        ? Path.Combine(state, string.Create(CultureInfo.InvariantCulture, $"gateway-{port}.key"))
        : null;

    /// <summary>The key to show to a gateway.</summary>
    /// <param name="endpoint">Where it answers.</param>
    /// <param name="key">The key that was set; empty to look for one.</param>
    /// <param name="file">The file that was set; empty for the local one.</param>
    /// <param name="environment">A variable's value; null where it is not set.</param>
    /// <exception cref="InvalidInputException">There is none; the message says where it may be put.</exception>
    /// <exception cref="UnavailableException">A gateway on this machine has not left one: it has not started yet.</exception>
    public static string Find(Uri endpoint, string key, string file, Func<string, string?> environment)
    {
        if (key.Length > 0)
            return key.Trim();
        if (environment(Variable) is { Length: > 0 } set)
            return set.Trim();
        var path = file.Length > 0 ? file : endpoint.IsLoopback ? PathFor(endpoint.Port, environment) : null;
        try
        {
            if (path is not null)
                return File.ReadAllText(path).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (file.Length == 0)
                throw new UnavailableException($"The gateway at {endpoint} has left no key at '{path}': start it, or set {Variable}.", error);
            throw new InvalidInputException($"Ciuic:Client:ApiKeyFile: '{file}' cannot be read: {error.Message}", error);
        }

        throw new InvalidInputException(
            $"No key for {endpoint}: set {Variable} or Ciuic:Client:ApiKeyFile. 'ciuic key create' makes one.");
    }
}
