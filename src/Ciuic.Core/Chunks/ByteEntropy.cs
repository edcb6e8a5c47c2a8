namespace Ciuic.Core;

/// <summary>How well bytes could be packed one by one: the entropy of a sample, in bits of 8.</summary>
internal static class ByteEntropy
{
    /// <summary>Bytes looked at: enough to tell 7 bits from 8.</summary>
    public const int SampleBytes = 16 << 10;

    private const int Pieces = 4;

    /// <summary>The entropy of a long plane, from pieces spread over it.</summary>
    public static double Sample(ReadOnlySpan<byte> plane)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        if (plane.Length <= SampleBytes)
            return Of(plane, counts);
        const int piece = SampleBytes / Pieces;
        for (var i = 0; i < Pieces; i++)
            Count(plane.Slice((int)((long)(plane.Length - piece) * i / (Pieces - 1)), piece), counts);
        return Bits(counts, SampleBytes);
    }

    /// <summary>The entropy of all these bytes.</summary>
    public static double Of(ReadOnlySpan<byte> bytes)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        return Of(bytes, counts);
    }

    private static double Of(ReadOnlySpan<byte> bytes, Span<int> counts)
    {
        Count(bytes, counts);
        return Bits(counts, bytes.Length);
    }

    private static void Count(ReadOnlySpan<byte> bytes, Span<int> counts)
    {
        foreach (var value in bytes)
            counts[value]++;
    }

    private static double Bits(ReadOnlySpan<int> counts, int total)
    {
        var bits = 0.0;
        foreach (var count in counts)
        {
            if (count > 0)
                bits -= count * Math.Log2((double)count / total);
        }

        return total == 0 ? 0 : bits / total;
    }
}
