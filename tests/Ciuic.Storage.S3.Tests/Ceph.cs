using Amazon.S3;
using Ciuic.Testing;
using Microsoft.Extensions.Configuration;

[assembly: AssemblyFixture(typeof(Ciuic.Storage.S3.Tests.Ceph))]
[assembly: AssemblyFixture(typeof(Ciuic.Storage.S3.Tests.NewerCeph))]

namespace Ciuic.Storage.S3.Tests;

/// <summary>The same with a newer Ceph, which does with checksums and conditions what AWS does today.</summary>
public sealed class NewerCeph() : Ceph("newer-ceph", CephServer.NewerTree)
{
    protected override string? Missing => CephServer.NewerTree is null ? "tests/interop/ceph/make-tree makes it; CIUIC_CEPH_TREE names it" : null;
}

/// <summary>One server for all tests of this project; each has a bucket of its own.</summary>
public class Ceph : IAsyncLifetime
{
    private readonly string _name;
    private readonly string? _tree;
    private CephServer? _server;
    private AmazonS3Client? _client;
    private int _buckets;

    public Ceph()
        : this("s3", null)
    {
    }

    protected Ceph(string name, string? tree) => (_name, _tree) = (name, tree);

    /// <summary>The server. Where there is none, the test that asks is skipped, or fails where it is required.</summary>
    public CephServer Server
    {
        get
        {
            Required.Need(_name, Missing);
            return _server!;
        }
    }

    /// <summary>What is missing for it.</summary>
    protected virtual string? Missing => CephServer.Missing();

    public async ValueTask InitializeAsync()
    {
        if (Missing is not null)
            return;
        _server = await CephServer.StartAsync(_tree);
        _client = S3Connection.Open(Options());
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Makes a bucket.</summary>
    public async Task<string> NewBucketAsync()
    {
        _ = Server;
        var name = $"bucket-{Interlocked.Increment(ref _buckets)}";
        await _client!.PutBucketAsync(name);
        return name;
    }

    /// <summary>Settings for the server, or for what stands before it.</summary>
    public S3Options Options(Uri? endpoint = null) => new()
    {
        Endpoint = (endpoint ?? Server.Endpoint).OriginalString,
        Region = CephServer.Region,
        AccessKey = CephServer.AccessKey,
        SecretKey = CephServer.SecretKey,
        IdleTimeout = TimeSpan.FromMilliseconds(500),
    };

    /// <summary>Opens a store on a new bucket.</summary>
    internal async Task<S3ObjectStore> NewStoreAsync(string prefix = "", S3Options? options = null) =>
        Store($"s3://{await NewBucketAsync()}/{prefix}", options ?? Options());

    internal static S3ObjectStore Store(string uri, S3Options options) =>
        new(S3Connection.Open(options), S3Place.Parse(uri), options, TimeProvider.System);

    /// <summary>The settings as a program has them.</summary>
    /// <param name="more">Names and values that differ.</param>
    public IConfiguration Settings(params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Ciuic:S3:Endpoint"] = Server.Endpoint.OriginalString,
            ["Ciuic:S3:Region"] = CephServer.Region,
            ["Ciuic:S3:AccessKey"] = CephServer.AccessKey,
            ["Ciuic:S3:SecretKey"] = CephServer.SecretKey,
            ["Ciuic:S3:MaxRetries"] = "1",
        };
        foreach (var (name, value) in more)
            settings[name] = value;
        return new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
    }
}
