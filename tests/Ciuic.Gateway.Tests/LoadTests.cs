using System.Net;
using System.Net.Sockets;
using System.Text;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciuic.Gateway.Tests;

/// <summary>Two hundred clients at once, some of them slow and some of them gone in the middle of a body.</summary>
public sealed class LoadTests : IAsyncLifetime
{
    private const int Savers = 160;
    private const int Slow = 20;
    private const int Vanishing = 20;
    private const int Steps = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly GatewayCluster _gateway = new();

    public ValueTask InitializeAsync()
    {
        _gateway.Options.MaxBufferedBytes = 128L << 20; // the least there may be: many must come again
        return _gateway.InitializeAsync();
    }

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Fact]
    public async Task Nothing_is_lost_nothing_half_is_seen_and_all_memory_comes_back()
    {
        var key = await _gateway.NewKeyAsync();
        var slow = Enumerable.Range(0, Slow).Select(i => SendSlowlyAsync(key, i)).ToList();
        var vanishing = Enumerable.Range(0, Vanishing).Select(i => VanishAsync(key, i)).ToList();
        await Task.WhenAll(Enumerable.Range(0, Savers).Select(i => SaveAsync(key, i))).WaitAsync(Patience);
        Assert.All(await Task.WhenAll(slow).WaitAsync(Patience), status => Assert.Equal(HttpStatusCode.Created, status));
        await Task.WhenAll(vanishing).WaitAsync(Patience);

        var views = await new ChainHistory(_gateway.Coordinator).ListRunsAsync();
        Assert.Equal(Savers, views.Count);
        Assert.All(views, view => Assert.Equal((Steps, Steps), ((int)view.Committed, (int)view.HeadStep!)));
        await foreach (var found in _gateway.Cluster.Memory.ListAsync(BucketLayout.ChunksPrefix, CancellationToken.None))
            Assert.DoesNotContain(found.Key.Path, Enumerable.Range(0, Vanishing).Select(i => BucketLayout.Chunk(ChunkId.Of(Frame(1_000 + i).Plain)).Path));
        await _gateway.Cluster.AuditAsync();
        await TakeAllMemoryAsync(key);
    }

    /// <summary>A client as users have it, which comes again where it is told to.</summary>
    private async Task SaveAsync(ApiKey key, int number)
    {
        var model = new byte[200_000];
        new Random(number).NextBytes(model);
        var gateway = new GatewayConnection(_gateway.Endpoint, key.Reveal);
        var client = new ClientOptions { Mode = ClientMode.Http, Endpoint = _gateway.Options.Url, Gateways = ["127.0.0.1:1"] };
        await using var chain = new SnapshotChain(
            client, new SaveOptions { OnTerminate = OnTerminate.Ignore, ChunkBytes = 64 << 10 }, new RankOptions(), new CodecOptions(),
            new HttpCoordinator(gateway, TimeProvider.System), new RetryingObjectStore(new GatewayStore(gateway, null), new RetryOptions(), TimeProvider.System),
            null, TimeProvider.System, NullLoggerFactory.Instance, gateway);
        await using var run = await chain.OpenRunAsync($"load-{number}");
        await run.TrackBytes("model", () => model, _ => { }).ResumeAsync();
        for (var step = 1; step <= Steps; step++)
        {
            model[step] ^= 1;
            await (await run.SaveAsync(new TrainingProgress(step, 0, step))).Committed;
        }
    }

    /// <summary>A chunk, a little at a time.</summary>
    private async Task<HttpStatusCode> SendSlowlyAsync(ApiKey key, int number)
    {
        var (frame, plain) = Frame(number);
        using var stream = await ConnectAsync(key, plain, frame.Length);
        for (var sent = 0; sent < frame.Length;)
        {
            var some = Math.Min(2_000, frame.Length - sent);
            await stream.WriteAsync(frame.AsMemory(sent, some));
            sent += some;
            await Task.Delay(50);
        }

        var status = await new StreamReader(stream).ReadLineAsync();
        return (HttpStatusCode)int.Parse(status!.Split(' ')[1]);
    }

    /// <summary>Half a chunk.</summary>
    private async Task VanishAsync(ApiKey key, int number)
    {
        var (frame, plain) = Frame(1_000 + number);
        using var stream = await ConnectAsync(key, plain, frame.Length);
        await stream.WriteAsync(frame.AsMemory(0, frame.Length / 2));
        await Task.Delay(200 + (10 * number));
    }

    private async Task<NetworkStream> ConnectAsync(ApiKey key, byte[] plain, int length)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _gateway.Options.Port);
        var stream = new NetworkStream(socket, ownsSocket: true);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /api/v1/runs/slow/objects/{BucketLayout.Chunk(ChunkId.Of(plain))} HTTP/1.1\r\nHost: localhost\r\n"
            + $"Authorization: Bearer {key.Reveal()}\r\nContent-Length: {length}\r\n\r\n"));
        return stream;
    }

    /// <summary>A body that needs nearly all of what bodies may take: it is let in only if nothing is held back.</summary>
    private async Task TakeAllMemoryAsync(ApiKey key)
    {
        using var http = _gateway.Http(key);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var bodies = Enumerable.Range(0, 2).Select(_ => http.PutAsync("runs/a/objects/chunks/00/00", new ByteArrayContent(new byte[60 << 20])));
            var answers = await Task.WhenAll(bodies);
            if (answers.All(a => a.StatusCode == HttpStatusCode.BadRequest))
                return; // both were taken in, and are no chunk
            Assert.All(answers, a => Assert.True(a.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.TooManyRequests, $"{a.StatusCode}"));
            await Task.Delay(200, deadline.Token);
        }
    }

    private static (byte[] Frame, byte[] Plain) Frame(int seed)
    {
        var plain = new byte[60_000];
        new Random(seed).NextBytes(plain);
        return (Frames.Of(plain), plain);
    }
}
