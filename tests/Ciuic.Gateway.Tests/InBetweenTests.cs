using System.Net;
using System.Text;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Gateway.Tests;

/// <summary>What stands between a client and its gateway has errors of its own: they say nothing of what the gateway has.</summary>
public sealed class InBetweenTests
{
    private static readonly ObjectKey Manifest = BucketLayout.Manifest(new SnapshotId(RunId.Parse("a"), new Sequence(1)));

    [Theory]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(HttpStatusCode.BadGateway)]
    public async Task A_proxys_error_is_nobodys_answer(HttpStatusCode status)
    {
        using var gateway = Speaking(new HttpResponseMessage(status) { Content = new StringContent("<html>not here</html>", Encoding.UTF8, "text/html") });
        await Assert.ThrowsAsync<UnavailableException>(() => new GatewayStore(gateway, RunId.Parse("a")).GetAsync(Manifest, CancellationToken.None));
        await Assert.ThrowsAsync<UnavailableException>(() =>
            new HttpCoordinator(gateway, TimeProvider.System).DescribeAsync(RunId.Parse("a"), CancellationToken.None));
    }

    [Fact]
    public async Task A_gateways_own_error_is_believed()
    {
        var answer = new HttpResponseMessage(HttpStatusCode.NotFound);
        answer.Headers.Add(ApiProblem.Header, "not_found");
        using var gateway = Speaking(answer);
        Assert.Null(await new GatewayStore(gateway, RunId.Parse("a")).GetAsync(Manifest, CancellationToken.None));
    }

    private static GatewayConnection Speaking(HttpResponseMessage answer) =>
        new(new Uri("http://gateway.example.org"), () => "key", new Always(answer));

    private sealed class Always(HttpResponseMessage answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var copy = new HttpResponseMessage(answer.StatusCode) { Content = new ByteArrayContent([]) };
            foreach (var (name, values) in answer.Headers)
                copy.Headers.Add(name, values);
            return Task.FromResult(copy);
        }
    }
}
