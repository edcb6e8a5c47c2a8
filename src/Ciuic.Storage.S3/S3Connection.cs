using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>Makes the SDK's client.</summary>
internal static class S3Connection
{
    /// <summary>A client for these settings.</summary>
    /// <exception cref="InvalidInputException">The endpoint or the file of authorities is none, or there are no credentials.</exception>
    public static AmazonS3Client Open(S3Options options)
    {
        var config = new AmazonS3Config
        {
            ConnectTimeout = options.ConnectTimeout,
            MaxErrorRetry = options.MaxRetries,
            RetryMode = RequestRetryMode.Standard,
            // Older Ceph refuses the trailers that the SDK would add by default; what we send has a digest of its own.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            HttpClientFactory = new Connections(options),
        };
        if (options.Endpoint.Length == 0)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }
        else
        {
            config.ServiceURL = Endpoint(options.Endpoint);
            config.AuthenticationRegion = options.Region;
            config.ForcePathStyle = options.PathStyle;
        }

        return Credentials(options) is { } credentials ? new AmazonS3Client(credentials, config) : new AmazonS3Client(config);
    }

    private static string Endpoint(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
            ? text
            : throw new InvalidInputException("Ciuic:S3:Endpoint is no http:// or https:// URL, or holds a user's name, which belongs elsewhere.");

    private static BasicAWSCredentials? Credentials(S3Options options) => (options.AccessKey, options.SecretKey) switch
    {
        ("", "") => null,
        (_, "") or ("", _) => throw new InvalidInputException(
            "Ciuic:S3:AccessKey and Ciuic:S3:SecretKey belong together; with neither, the SDK looks for credentials itself."),
        var (name, secret) => new BasicAWSCredentials(name, secret),
    };

    /// <summary>One pool of connections for the whole store.</summary>
    private sealed class Connections : HttpClientFactory
    {
        private readonly HttpClient _client;

        public Connections(S3Options options)
        {
            var sockets = Proxies.NewHandler();
            sockets.MaxConnectionsPerServer = options.MaxConnections;
            sockets.ConnectTimeout = options.ConnectTimeout;
            sockets.PooledConnectionLifetime = TimeSpan.FromMinutes(10); // follows a name that moves
            sockets.AllowAutoRedirect = false;
            sockets.UseCookies = false;
            sockets.SslOptions.CertificateChainPolicy = options.TrustPolicy(S3Scheme.Section);
            _client = new HttpClient(new LimitedRequests(sockets, options.RequestTimeout)) { Timeout = Timeout.InfiniteTimeSpan };
        }

        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
