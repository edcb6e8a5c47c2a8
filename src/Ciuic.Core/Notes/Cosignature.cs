using System.Buffers.Binary;

namespace Ciuic.Core;

/// <summary>A witness's word that it has seen a tree head, and when (C2SP cosignature/v1).</summary>
/// <param name="Witness">Who cosigned.</param>
/// <param name="SeenAt">When, to the second.</param>
public sealed record Cosignature(VerifierKey Witness, DateTimeOffset SeenAt)
{
    internal const int TimeSize = sizeof(ulong);

    /// <summary>The last second of the year 9999: what <see cref="DateTimeOffset"/> can hold.</summary>
    private const ulong MaxSeconds = 253_402_300_799;

    internal static ulong Seconds(ReadOnlySpan<byte> signature) => BinaryPrimitives.ReadUInt64BigEndian(signature);

    internal static byte[] Message(ulong seconds, ReadOnlySpan<byte> text) =>
        [.. StrictUtf8.Encode($"cosignature/v1\ntime {seconds}\n"), .. text];

    internal static byte[] Encode(ulong seconds, ReadOnlySpan<byte> signature)
    {
        var bytes = new byte[TimeSize + signature.Length];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, seconds);
        signature.CopyTo(bytes.AsSpan(TimeSize));
        return bytes;
    }

    internal static Cosignature Of(VerifierKey witness, ReadOnlySpan<byte> signature)
    {
        var seconds = Math.Min(Seconds(signature), MaxSeconds);
        return new Cosignature(witness, DateTimeOffset.FromUnixTimeSeconds((long)seconds));
    }
}
