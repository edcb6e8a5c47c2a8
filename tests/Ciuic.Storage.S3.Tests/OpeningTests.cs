using System.Net;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.S3.Tests;

/// <inheritdoc cref="OpeningTests"/>
public sealed class NewerOpeningTests(NewerCeph ceph) : OpeningTests(ceph);

/// <summary>What a program that is started with these settings says.</summary>
public class OpeningTests(Ceph ceph)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_bucket_is_opened_by_its_uri_and_nothing_is_left_of_the_probe()
    {
        var uri = $"s3://{await ceph.NewBucketAsync()}/runs/";
        var store = await OpenAsync(uri);
        await store.CreateAsync(new ObjectKey("a"), new byte[] { 1 }, None);
        var keys = new List<string>();
        await foreach (var found in store.ListAsync("", None))
            keys.Add(found.Key.Path);
        Assert.Equal(["a"], keys);
        Assert.Equal([1], await (await OpenExistingAsync(uri)).GetAsync(new ObjectKey("a"), None));
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_is_named()
    {
        Assert.Contains("no such bucket", await RefusedAsync("s3://nobody-made-this"));
        await Assert.ThrowsAsync<NotFoundException>(() => OpenExistingAsync("s3://nobody-made-this"));
    }

    [Theory]
    [InlineData("AccessKey", "wrong", "does not know the access key")]
    [InlineData("SecretKey", "wrong", "secret key is wrong")]
    [InlineData("SecretKey", "", "belong together")]
    [InlineData("Endpoint", "localhost", "no http:// or https:// URL")]
    [InlineData("Endpoint", "http://name:" + CephServer.SecretKey + "@localhost", "user's name")]
    [InlineData("CaFile", "/nowhere.pem", "CaFile")]
    [InlineData("RangeBytes", "1", "RangeBytes")]
    [InlineData("Bukket", "x", "Bukket")]
    public async Task A_wrong_setting_is_named(string setting, string value, string said)
    {
        var message = await RefusedAsync($"s3://{await ceph.NewBucketAsync()}", ($"Ciuic:S3:{setting}", value));
        Assert.Contains(said, message);
        Assert.DoesNotContain("\n", message);
        Assert.DoesNotContain(CephServer.SecretKey, message);
    }

    [Theory]
    [InlineData("s3://")]
    [InlineData("s3://Upper")]
    [InlineData("s3://ab")]
    [InlineData("s3://bucket/../x")]
    [InlineData("s3://bucket//x")]
    public async Task What_is_no_bucket_is_refused(string uri) => Assert.Contains(uri, await RefusedAsync(uri));

    [Fact]
    public async Task Another_ones_bucket_is_refused()
    {
        await ceph.Server.AddUserAsync("stranger", 1 << 20);
        var message = await RefusedAsync(
            $"s3://{await ceph.NewBucketAsync()}", ("Ciuic:S3:AccessKey", "stranger"), ("Ciuic:S3:SecretKey", "stranger-secret"));
        Assert.Contains("may not do this", message);
    }

    [Fact]
    public async Task Tls_is_checked_and_an_authority_of_ones_own_can_be_trusted()
    {
        var uri = $"s3://{await ceph.NewBucketAsync()}";
        var endpoint = ("Ciuic:S3:Endpoint", ceph.Server.TlsEndpoint.OriginalString);
        Assert.Contains("certificate is not trusted", await RefusedAsync(uri, endpoint));
        var store = await OpenAsync(uri, endpoint, ("Ciuic:S3:CaFile", ceph.Server.CertificateFile));
        Assert.Equal(CreateResult.Created, await store.CreateAsync(new ObjectKey("a"), new byte[100_000], None));
        Assert.Equal(CreateResult.AlreadyExists, await store.CreateAsync(new ObjectKey("a"), new byte[100_000], None));
        Assert.Equal(new byte[100_000], await store.GetAsync(new ObjectKey("a"), None));
    }

    [Fact]
    public async Task A_server_that_lets_two_creators_win_is_refused_before_the_first_write_of_each_kind()
    {
        using var careless = new CarelessServer();
        var store = await OpenAsync("s3://bucket", ("Ciuic:S3:Endpoint", careless.Endpoint));
        foreach (var write in new Func<Task>[]
        {
            () => store.CreateAsync(new ObjectKey("a"), new byte[1], None),
            () => store.PutAsync(new ObjectKey("a"), new byte[1], None),
            () => ProvenObjectStore.ProveAsync(store, None),
        })
        {
            Assert.Contains("ignores If-None-Match", (await Assert.ThrowsAsync<InvalidInputException>(write)).Message);
        }
    }

    [Fact]
    public async Task Who_may_only_read_opens_the_bucket_reads_it_and_is_told_when_he_writes()
    {
        var uri = $"s3://{await ceph.NewBucketAsync()}";
        var key = new ObjectKey("a");
        await (await OpenAsync(uri)).CreateAsync(key, new byte[] { 1 }, None);
        var reader = $"reader{uri[^1]}";
        await ceph.Server.AddReaderAsync(null, reader);
        var store = await OpenAsync(uri, ("Ciuic:S3:AccessKey", reader), ("Ciuic:S3:SecretKey", $"{reader}-secret"));
        Assert.Equal([1], await store.GetAsync(key, None));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => store.CreateAsync(new ObjectKey("b"), new byte[] { 2 }, None));
        Assert.Contains("may not do this", error.Message);
    }

    [Fact]
    public async Task A_full_bucket_is_opened_and_read_and_written_to_again_once_there_is_room()
    {
        const string Name = "filling";
        await ceph.Server.AddUserAsync(Name, 1 << 20);
        (string, string)[] settings = [("Ciuic:S3:AccessKey", Name), ("Ciuic:S3:SecretKey", $"{Name}-secret"), ("Ciuic:S3:MaxRetries", "0")];
        var options = ceph.Options();
        (options.AccessKey, options.SecretKey) = (Name, $"{Name}-secret");
        using (var client = S3Connection.Open(options))
            await client.PutBucketAsync("filling-bucket");
        var (filling, filled) = (await OpenAsync("s3://filling-bucket", settings), 0);
        await Assert.ThrowsAsync<UnavailableException>(async () =>
        {
            for (; filled < 100; filled++)
                await filling.CreateAsync(new ObjectKey($"c/{filled}"), new byte[100_000], None);
        });

        var store = await OpenAsync("s3://filling-bucket", settings);
        Assert.Equal(100_000, (await store.GetAsync(new ObjectKey("c/0"), None))!.Length);
        var error = await Assert.ThrowsAsync<UnavailableException>(() => store.CreateAsync(new ObjectKey("d"), new byte[100_000], None));
        Assert.True(error.IsFull, error.Message);
        await ceph.Server.SetQuotaAsync(Name, 64 << 20);
        await UntilAsync(() => store.CreateAsync(new ObjectKey("e"), new byte[100_000], None));
        Assert.Equal(100_000, (await store.GetAsync(new ObjectKey("e"), None))!.Length);
    }

    /// <summary>The server remembers quotas for a while.</summary>
    private static async Task UntilAsync(Func<Task> succeeds)
    {
        while (true)
        {
            try
            {
                await succeeds();
                return;
            }
            catch (UnavailableException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                await Task.Delay(200, TestContext.Current.CancellationToken);
            }
        }
    }

    [Fact]
    public async Task A_full_bucket_is_unavailable_and_says_so()
    {
        await ceph.Server.AddUserAsync("small", 1 << 20);
        var options = ceph.Options();
        (options.AccessKey, options.SecretKey) = ("small", "small-secret");
        using (var client = S3Connection.Open(options))
            await client.PutBucketAsync("small-bucket");
        using var store = Ceph.Store("s3://small-bucket", options);
        var error = await Assert.ThrowsAsync<UnavailableException>(async () =>
        {
            for (var i = 0; i < 20; i++)
                await store.CreateAsync(new ObjectKey($"c/{i}"), new byte[200_000], None);
        });
        Assert.Contains("bucket is full", error.Message);
    }

    private async Task<string> RefusedAsync(string uri, params (string Name, string Value)[] settings) =>
        (await Assert.ThrowsAsync<InvalidInputException>(() => OpenAsync(uri, settings))).Message;

    private Task<IObjectStore> OpenAsync(string uri, params (string Name, string Value)[] settings) =>
        new StoreSchemes(new S3Scheme()).OpenAsync(ceph.Settings([.. settings, ("Ciuic:Store:Uri", uri)]), None);

    private Task<IObjectStore> OpenExistingAsync(string uri) =>
        new StoreSchemes(new S3Scheme()).OpenExistingAsync(uri, ceph.Settings(), None);

    /// <summary>Says yes to everything.</summary>
    private sealed class CarelessServer : IDisposable
    {
        private readonly HttpListener _listener = new();

        public CarelessServer()
        {
            Endpoint = $"http://127.0.0.1:{FreePorts.Take(1)[0]}/";
            _listener.Prefixes.Add(Endpoint);
            _listener.Start();
            _ = ServeAsync();
        }

        public string Endpoint { get; }

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    await context.Request.InputStream.CopyToAsync(Stream.Null);
                    context.Response.Headers["ETag"] = "\"1\"";
                    if (context.Request.HttpMethod == "GET")
                        await context.Response.OutputStream.WriteAsync("<ListBucketResult/>"u8.ToArray());
                    context.Response.Close();
                }
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                // The test ends.
            }
        }
    }
}
