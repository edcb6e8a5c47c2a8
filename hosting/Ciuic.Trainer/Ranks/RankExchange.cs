using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>
/// How the ranks of this trainer talk to each other: all of them to rank 0, over TCP at MASTER_ADDR and MASTER_PORT. Sums are made in
/// the order of the ranks, so that a step has the same bits each time. Ciuic has no part in it.
/// </summary>
internal sealed class RankExchange : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(100);

    private readonly List<NetworkStream> _peers;

    private RankExchange(int rank, int worldSize, List<NetworkStream> peers) => (Rank, WorldSize, _peers) = (rank, worldSize, peers);

    public int Rank { get; }

    public int WorldSize { get; }

    /// <summary>Meets the other ranks, as RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say.</summary>
    /// <returns>Null where this process trains alone.</returns>
    /// <exception cref="InvalidInputException">A variable is missing or malformed.</exception>
    /// <exception cref="UnavailableException">The others did not come in time.</exception>
    public static async Task<RankExchange?> MeetAsync()
    {
        if (Environment.GetEnvironmentVariable("WORLD_SIZE") is null or "" or "1")
            return null;
        var (rank, worldSize) = (Read("RANK"), Read("WORLD_SIZE"));
        var address = Environment.GetEnvironmentVariable("MASTER_ADDR") ?? IPAddress.Loopback.ToString();
        var port = Read("MASTER_PORT");
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            return new RankExchange(rank, worldSize, rank == 0
                ? await AcceptAsync(address, port, worldSize, deadline.Token)
                : [await ConnectAsync(address, port, rank, deadline.Token)]);
        }
        catch (OperationCanceledException)
        {
            throw new UnavailableException($"Rank {rank}: the other ranks did not come to {address}:{port} within {Patience}.");
        }
    }

    /// <summary>Adds up what all ranks have, element by element; every rank gets the same bits.</summary>
    /// <exception cref="UnavailableException">A rank is gone.</exception>
    public void Sum(float[] values)
    {
        try
        {
            if (Rank == 0)
                SumAtRoot(values);
            else
                Trade(values);
        }
        catch (IOException error)
        {
            throw new UnavailableException($"Rank {Rank}: another rank is gone: {error.Message}", error);
        }
    }

    public void Dispose() => _peers.ForEach(p => p.Dispose());

    private void SumAtRoot(float[] values)
    {
        var theirs = new float[values.Length];
        foreach (var peer in _peers)
        {
            peer.ReadExactly(MemoryMarshal.AsBytes(theirs.AsSpan()));
            for (var i = 0; i < values.Length; i++)
                values[i] += theirs[i];
        }

        foreach (var peer in _peers)
            peer.Write(MemoryMarshal.AsBytes(values.AsSpan()));
    }

    private void Trade(float[] values)
    {
        _peers[0].Write(MemoryMarshal.AsBytes(values.AsSpan()));
        _peers[0].ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
    }

    private static async Task<List<NetworkStream>> AcceptAsync(string address, int port, int worldSize, CancellationToken cancel)
    {
        using var listener = new TcpListener(IPAddress.Parse(address), port);
        listener.Start();
        var peers = new SortedDictionary<int, NetworkStream>();
        while (peers.Count < worldSize - 1)
        {
            var stream = Open(await listener.AcceptTcpClientAsync(cancel));
            var rank = new byte[4];
            await stream.ReadExactlyAsync(rank, cancel);
            peers[BitConverter.ToInt32(rank)] = stream;
        }

        return [.. peers.Values];
    }

    private static async Task<NetworkStream> ConnectAsync(string address, int port, int rank, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                var client = new TcpClient();
                await client.ConnectAsync(address, port, cancel);
                var stream = Open(client);
                await stream.WriteAsync(BitConverter.GetBytes(rank), cancel);
                return stream;
            }
            catch (SocketException)
            {
                await Task.Delay(BetweenTries, cancel); // rank 0 is not there yet
            }
        }
    }

    private static NetworkStream Open(TcpClient client)
    {
        client.NoDelay = true;
        return client.GetStream();
    }

    private static int Read(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) && value >= 0
        ? value
        : throw new InvalidInputException($"WORLD_SIZE is set, so {name} must be a number too; 'train --ranks N' sets both.");
}
