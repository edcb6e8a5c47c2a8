using System.Buffers.Binary;
using System.Text;

namespace Ciuic.Torch;

/// <summary>Where a section lies in a file.</summary>
internal readonly record struct ElfSection(long Offset, long Size);

/// <summary>The sections of a 64-bit little-endian ELF file, by name (System V ABI, chapter 4).</summary>
internal sealed class ElfSections
{
    private readonly Dictionary<string, ElfSection> _sections = [];

    public ElfSections(ReadOnlySpan<byte> image)
    {
        if (image.Length < 64 || !image.StartsWith("\u007fELF"u8) || image[4] != 2 || image[5] != 1)
            throw new BadImageFormatException("This is not a 64-bit little-endian ELF file.");
        var table = (int)BinaryPrimitives.ReadInt64LittleEndian(image[0x28..]);
        var size = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3A..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3C..]);
        var names = Read(image, table + size * BinaryPrimitives.ReadUInt16LittleEndian(image[0x3E..]));
        for (var i = 0; i < count; i++)
        {
            var header = table + size * i;
            var name = (int)(names.Offset + BinaryPrimitives.ReadUInt32LittleEndian(image[header..]));
            _sections[TextAt(image, name)] = Read(image, header);
        }
    }

    public ElfSection this[string name] => _sections.TryGetValue(name, out var section)
        ? section
        : throw new BadImageFormatException($"The ELF file has no section {name}.");

    public static string TextAt(ReadOnlySpan<byte> image, int offset)
    {
        var text = image[offset..];
        return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]);
    }

    private static ElfSection Read(ReadOnlySpan<byte> image, int header) => new(
        BinaryPrimitives.ReadInt64LittleEndian(image[(header + 0x18)..]),
        BinaryPrimitives.ReadInt64LittleEndian(image[(header + 0x20)..]));
}
