using System.Net.Http.Headers;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>A witness behind an address: C2SP tlog-witness over HTTP.</summary>
public sealed class HttpWitness(PolicyWitness identity, HttpClient http) : IWitness
{
    /// <summary>More is no list of signatures.</summary>
    private const int MaxReply = 64 << 10;

    /// <inheritdoc/>
    public PolicyWitness Identity => identity;

    /// <summary>The witnesses of a policy that have addresses.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="timeout">How long each may take to answer.</param>
    public static IReadOnlyList<IWitness> Of(TlogPolicy policy, TimeSpan timeout)
    {
        var http = new HttpClient(Proxies.NewHandler()) { Timeout = timeout, MaxResponseContentBufferSize = MaxReply };
        return policy.Witnesses.Where(w => w.Url is not null).Select(w => new HttpWitness(w, http)).ToList();
    }

    /// <inheritdoc/>
    public async Task<WitnessReply> AddCheckpointAsync(byte[] request, CancellationToken cancel)
    {
        var address = new Uri($"{identity.Url!.ToString().TrimEnd('/')}/add-checkpoint");
        using var content = new ByteArrayContent(request);
        content.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        try
        {
            using var response = await http.PostAsync(address, content, cancel);
            var body = await response.Content.ReadAsByteArrayAsync(cancel);
            return new WitnessReply((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType ?? "", body);
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            throw new UnavailableException($"Witness {identity.Name} at {address} does not answer{Proxies.Through(address)}: {error.Message}", error);
        }
    }
}
