using System.Buffers.Binary;

namespace Ciuic.Core;

/// <summary>An entry bundle of tlog-tiles: for each entry its length as big-endian uint16, then its bytes.</summary>
public static class EntryBundle
{
    /// <summary>The longest entry a bundle can hold.</summary>
    public const int MaxEntryBytes = ushort.MaxValue;

    /// <summary>Packs up to 256 entries.</summary>
    /// <exception cref="InvalidInputException">An entry is longer than 65,535 bytes.</exception>
    public static byte[] Encode(IReadOnlyList<byte[]> entries)
    {
        if (entries.FirstOrDefault(e => e.Length > MaxEntryBytes) is { } huge)
            throw new InvalidInputException($"An entry of {huge.Length} bytes does not fit: {MaxEntryBytes} do.");
        var bundle = new byte[entries.Sum(e => e.Length + sizeof(ushort))];
        var at = 0;
        foreach (var entry in entries)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bundle.AsSpan(at), (ushort)entry.Length);
            entry.CopyTo(bundle, at + sizeof(ushort));
            at += sizeof(ushort) + entry.Length;
        }

        return bundle;
    }

    /// <summary>Unpacks a bundle.</summary>
    /// <exception cref="CorruptException">The bundle ends within an entry.</exception>
    public static List<byte[]> Decode(ReadOnlySpan<byte> bundle)
    {
        var entries = new List<byte[]>();
        while (!bundle.IsEmpty)
        {
            if (bundle.Length < sizeof(ushort))
                throw new CorruptException($"an entry bundle ends within the length of entry {entries.Count}");
            var length = BinaryPrimitives.ReadUInt16BigEndian(bundle);
            bundle = bundle[sizeof(ushort)..];
            if (bundle.Length < length)
                throw new CorruptException($"an entry bundle ends within entry {entries.Count}");
            entries.Add(bundle[..length].ToArray());
            bundle = bundle[length..];
        }

        return entries;
    }
}
