using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.S3.Tests;

/// <inheritdoc cref="NetworkFaultTests"/>
public sealed class NewerNetworkFaultTests(NewerCeph ceph) : NetworkFaultTests(ceph);

/// <summary>What happens between client and server, each once, at a real server.</summary>
public class NetworkFaultTests(Ceph ceph) : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ObjectKey Key = new("chunk");
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly byte[] _content = new byte[3 << 20];
    private FaultProxy? _proxy;
    private S3ObjectStore? _store;

    public async ValueTask InitializeAsync()
    {
        new Random(3).NextBytes(_content);
        _proxy = new FaultProxy(ceph.Server.Endpoint);
        _store = await ceph.NewStoreAsync("run", ceph.Options(_proxy.Endpoint));
    }

    public async ValueTask DisposeAsync()
    {
        _store?.Dispose();
        if (_proxy is not null)
            await _proxy.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_create_whose_answer_is_lost_has_created()
    {
        _proxy!.Arm(NetworkFault.LoseAnswer);
        Assert.Equal(CreateResult.Created, await _store!.CreateAsync(Key, _content, None).WaitAsync(Soon));
        Assert.True(_proxy.Done.IsCompleted);
        Assert.Equal(_content, await _store.GetAsync(Key, None));
    }

    [Fact]
    public async Task A_create_whose_answer_is_lost_does_not_take_another_ones_object_for_its_own()
    {
        await _store!.CreateAsync(Key, _content, None);
        _proxy!.Arm(NetworkFault.LoseAnswer);
        Assert.Equal(CreateResult.AlreadyExists, await _store.CreateAsync(Key, _content, None).WaitAsync(Soon));
        Assert.True(_proxy.Done.IsCompleted);
    }

    [Theory]
    [InlineData(NetworkFault.CutAnswer)]
    [InlineData(NetworkFault.StallAnswer)]
    [InlineData(NetworkFault.LoseAnswer)]
    public async Task A_body_that_is_cut_or_stands_still_is_read_on(NetworkFault fault)
    {
        await _store!.CreateAsync(Key, _content, None);
        _proxy!.Arm(fault);
        Assert.Equal(_content, await _store.GetAsync(Key, None).WaitAsync(Soon));
        await _proxy.Done.WaitAsync(Soon);
        _proxy.Arm(fault);
        var buffer = new byte[_content.Length];
        Assert.Equal(_content.Length - 9, await _store.GetRangeAsync(Key, 9, buffer, None).WaitAsync(Soon));
        await _proxy.Done.WaitAsync(Soon);
        Assert.True(_content.AsSpan(9).SequenceEqual(buffer.AsSpan(0, _content.Length - 9)));
    }

    [Fact]
    public async Task Bytes_that_are_damaged_on_their_way_are_not_stored()
    {
        _proxy!.Arm(NetworkFault.FlipRequest);
        var error = await Record.ExceptionAsync(() => _store!.CreateAsync(Key, _content, None).WaitAsync(Soon));
        await _proxy.Done.WaitAsync(Soon);
        Assert.True(error is null or UnavailableException, $"{error}"); // the SDK may have sent it again
        var there = await _store!.GetAsync(Key, None);
        Assert.True(error is null ? _content.AsSpan().SequenceEqual(there) : there is null);
    }

    [Fact]
    public async Task A_list_that_stands_still_is_asked_for_again()
    {
        var options = ceph.Options(_proxy!.Endpoint);
        options.RequestTimeout = TimeSpan.FromSeconds(2);
        using var store = await ceph.NewStoreAsync("run", options);
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), async (i, cancel) =>
            await store.PutAsync(new ObjectKey($"many/{i}"), new byte[] { 1 }, cancel));
        _proxy.Arm(NetworkFault.StallAnswer);
        var keys = new HashSet<string>();
        await foreach (var found in store.ListAsync("", None).WithCancellation(new CancellationTokenSource(Soon).Token))
            keys.Add(found.Key.Path);
        Assert.True(_proxy.Done.IsCompleted);
        Assert.Equal(60, keys.Count);
    }

    [Fact]
    public async Task Resumed_reads_find_a_connection_where_there_is_only_one()
    {
        var options = ceph.Options(_proxy!.Endpoint);
        (options.MaxConnections, options.RequestTimeout) = (1, TimeSpan.FromSeconds(5));
        using var store = await ceph.NewStoreAsync("run", options);
        await store.CreateAsync(Key, _content, None);
        _proxy.Arm(NetworkFault.CutAnswer);
        Assert.Equal(_content, await store.GetAsync(Key, None).WaitAsync(TimeSpan.FromSeconds(4)));
        Assert.True(_proxy.Done.IsCompleted);
    }

    [Fact]
    public async Task A_server_that_is_away_is_unavailable_and_named()
    {
        var endpoint = new Uri($"http://127.0.0.1:{FreePorts.Take(1)[0]}");
        var options = ceph.Options(endpoint);
        options.MaxRetries = 1;
        using var store = Ceph.Store("s3://bucket/x", options);
        var error = await Assert.ThrowsAsync<UnavailableException>(() => store.GetAsync(Key, None));
        Assert.Contains(endpoint.OriginalString, error.Message);
    }

    [Fact]
    public async Task A_cancelled_read_is_cancelled_and_not_unavailable()
    {
        using var cancel = new CancellationTokenSource();
        var options = ceph.Options(_proxy!.Endpoint);
        options.IdleTimeout = Soon;
        using var store = await ceph.NewStoreAsync("run", options);
        await store.CreateAsync(Key, _content, None);
        _proxy.Arm(NetworkFault.StallAnswer);
        var reading = store.GetAsync(Key, cancel.Token);
        await _proxy.Done.WaitAsync(Soon);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Soon));
    }
}
