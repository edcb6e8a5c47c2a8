using System.Net;
using System.Text;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.S3.Tests;

/// <summary>Whose 404 it is: only the server's own word that there is no such key is absence.</summary>
public sealed class ForeignAnswerTests : IAsyncDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ObjectKey Key = new("runs/a/3/manifest");

    private readonly HttpListener _listener = new();
    private readonly S3ObjectStore _store;
    private readonly Task _answering;
    private string _body = "";
    private string _type = "text/plain";

    public ForeignAnswerTests()
    {
        var endpoint = $"http://127.0.0.1:{FreePorts.Take(1)[0]}";
        _listener.Prefixes.Add(endpoint + "/");
        _listener.Start();
        _answering = AnswerAsync();
        _store = Ceph.Store("s3://bucket/x", new S3Options
        {
            Endpoint = endpoint,
            Region = "default",
            AccessKey = "key",
            SecretKey = "secret",
            MaxRetries = 1,
        });
    }

    [Theory]
    [InlineData("404 page not found\n", "text/plain")]
    [InlineData("", "text/plain")]
    [InlineData("<html><body>default backend - 404</body></html>", "text/html")]
    [InlineData("<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>none</Message></Error>", "application/xml")]
    public async Task Anybody_elses_404_is_unavailable(string body, string type)
    {
        (_body, _type) = (body, type);
        await Assert.ThrowsAsync<UnavailableException>(() => _store.GetAsync(Key, None));
        await Assert.ThrowsAsync<UnavailableException>(() => _store.GetRangeAsync(Key, 0, new byte[10], None));
        await Assert.ThrowsAsync<UnavailableException>(() => _store.GetRangeAsync(Key, 0, Memory<byte>.Empty, None));
        await Assert.ThrowsAsync<UnavailableException>(() => _store.GetLengthAsync(Key, None));
        await Assert.ThrowsAsync<UnavailableException>(() => _store.CreateAsync(Key, new byte[] { 1 }, None));
        await Assert.ThrowsAsync<UnavailableException>(async () =>
        {
            await foreach (var _ in _store.ListAsync("runs/", None))
            {
            }
        });
    }

    [Fact]
    public async Task The_servers_own_word_is_absence()
    {
        (_body, _type) = ("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>", "application/xml");
        Assert.Null(await _store.GetAsync(Key, None));
        Assert.Null(await _store.GetRangeAsync(Key, 0, new byte[10], None));
        Assert.Null(await _store.GetLengthAsync(Key, None));
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _answering;
        _store.Dispose();
    }

    private async Task AnswerAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or InvalidOperationException)
            {
                return;
            }

            context.Response.StatusCode = 404;
            context.Response.ContentType = _type;
            var bytes = Encoding.UTF8.GetBytes(_body);
            context.Response.ContentLength64 = context.Request.HttpMethod == "HEAD" ? 0 : bytes.Length;
            if (context.Request.HttpMethod != "HEAD")
                await context.Response.OutputStream.WriteAsync(bytes);
            context.Response.Close();
        }
    }
}
