using System.Buffers.Binary;

namespace Ciuic.Torch;

/// <summary>
/// Removes the need for GLIBCXX_3.4.32 from an ELF library. Its only use is std::ios_base_library_init(), which makes
/// sure that iostreams are initialised; libtorch_cpu.so, always loaded before, does that itself. Two changes, in place:
/// the version is marked as weak, so that the loader tolerates its absence; and the symbol is renamed to getpid(), a
/// function of libc that may be called without arguments and whose result nobody looks at.
/// </summary>
internal static class CppLibraryPatch
{
    /// <summary>The version that older C++ libraries do not have.</summary>
    public const string Version = "GLIBCXX_3.4.32";

    private const string Symbol = "_ZSt21ios_base_library_initv";
    private const string Replacement = "getpid";
    private const int SymbolSize = 24;
    private const ushort AnyVersion = 1; // VER_NDX_GLOBAL
    private const ushort Weak = 2; // VER_FLG_WEAK

    /// <summary>Patches the library's bytes; a library without the symbol is left as it is.</summary>
    /// <exception cref="BadImageFormatException">The bytes are not the ELF library this patch was made for.</exception>
    public static void Apply(Span<byte> image)
    {
        var elf = new ElfSections(image);
        var (symbols, strings) = (elf[".dynsym"], elf[".dynstr"]);
        var name = FindSymbol(image, symbols, strings);
        if (name is not { } found)
            return;
        BinaryPrimitives.WriteUInt16LittleEndian(image[(int)(elf[".gnu.version"].Offset + 2 * found.Index)..], AnyVersion);
        var text = image.Slice(found.NameAt, Symbol.Length);
        text.Clear();
        System.Text.Encoding.ASCII.GetBytes(Replacement, text);
        MarkWeak(image, elf[".gnu.version_r"].Offset, strings.Offset);
    }

    private static (int Index, int NameAt)? FindSymbol(Span<byte> image, ElfSection symbols, ElfSection strings)
    {
        (int, int)? found = null;
        var nameEnds = new List<int>();
        for (var i = 0; i < symbols.Size / SymbolSize; i++)
        {
            var nameAt = (int)(strings.Offset
                + BinaryPrimitives.ReadUInt32LittleEndian(image[(int)(symbols.Offset + SymbolSize * i)..]));
            if (ElfSections.TextAt(image, nameAt) == Symbol)
                found = (i, nameAt);
            else
                nameEnds.Add(nameAt);
        }

        // A linker may let one symbol's name be the tail of another's; then renaming would rename both.
        if (found is var (_, at) && nameEnds.Any(other => other > at && other <= at + Symbol.Length))
            throw new BadImageFormatException($"{Symbol} shares its name with another symbol.");
        return found;
    }

    private static void MarkWeak(Span<byte> image, long needsAt, long stringsAt)
    {
        for (var need = (int)needsAt; ;)
        {
            var count = BinaryPrimitives.ReadUInt16LittleEndian(image[(need + 2)..]);
            var entry = need + (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(need + 8)..]);
            for (var i = 0; i < count; i++)
            {
                var name = (int)(stringsAt + BinaryPrimitives.ReadUInt32LittleEndian(image[(entry + 8)..]));
                if (ElfSections.TextAt(image, name) == Version)
                {
                    var flags = BinaryPrimitives.ReadUInt16LittleEndian(image[(entry + 4)..]);
                    BinaryPrimitives.WriteUInt16LittleEndian(image[(entry + 4)..], (ushort)(flags | Weak));
                }

                entry += (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(entry + 12)..]);
            }

            var next = (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(need + 12)..]);
            if (next == 0)
                return;
            need += next;
        }
    }
}
