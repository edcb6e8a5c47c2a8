using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Gateway.Tests;

/// <summary>Chunks as they are sent.</summary>
internal static class Frames
{
    public static byte[] Of(byte[] plain)
    {
        using var encoder = new ChunkEncoder();
        var room = new PageBuffer();
        room.Reserve(ChunkEncoder.RoomFor(plain.Length));
        return encoder.Encode(plain, 0, room).ToArray();
    }
}
