using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ciuic.Storage;

/// <summary>
/// Writes large files past the page cache (O_DIRECT): the processor does not copy them, and the disk begins at once. Linux
/// only, and only from memory that begins at a page; who cannot is told so, and writes as usual.
/// </summary>
internal static partial class DirectFile
{
    /// <summary>Memory, offsets and lengths must be multiples of the device's block, which is this at most.</summary>
    private const int PageBytes = 4_096;

    /// <summary>Below it the page cache is as fast.</summary>
    private const int MinBytes = 256 << 10;

    private const int InvalidArgument = 22; // EINVAL
    private const int WriteOnly = 0x1;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int CloseOnExec = 0x80000;
    private const int OwnerWritesAllRead = 0x1A4; // 0644, less the umask

    /// <summary>O_DIRECT has another number on each architecture; 0 where we do not know it.</summary>
    private static readonly int Direct = !OperatingSystem.IsLinux() ? 0 : RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 0x4000,
        Architecture.Arm64 => 0x10000,
        _ => 0,
    };

    /// <summary>Whether it is worth trying for these bytes, and possible with them.</summary>
    public static bool Suits(ReadOnlySpan<byte> content) => Direct != 0 && content.Length >= MinBytes && BeginsAtPage(content);

    /// <summary>Writes bytes to a new file and flushes them to the disk.</summary>
    /// <returns>False where it cannot be done this way; there is then no such file.</returns>
    /// <exception cref="IOException">The disk is full or refuses.</exception>
    public static bool TryWrite(string path, ReadOnlySpan<byte> content)
    {
        const int create = WriteOnly | Create | Exclusive | CloseOnExec;
        using var file = new SafeFileHandle(Open(path, create | Direct, OwnerWritesAllRead), ownsHandle: true);
        if (file.IsInvalid || !TryWrite(file, content))
        {
            File.Delete(path); // a file system without O_DIRECT may say so after it has made the file
            return false;
        }

        RandomAccess.FlushToDisk(file);
        return true;
    }

    private static bool TryWrite(SafeFileHandle file, ReadOnlySpan<byte> content)
    {
        var pages = content.Length / PageBytes * PageBytes;
        try
        {
            RandomAccess.Write(file, content[..pages], 0);
            if (pages < content.Length)
            {
                WriteTail(file, content[pages..], pages);
                RandomAccess.SetLength(file, content.Length);
            }

            return true;
        }
        catch (Exception error) when (error is ArgumentException or IOException { HResult: InvalidArgument })
        {
            return false; // this device wants another alignment
        }
    }

    private static unsafe void WriteTail(SafeFileHandle file, ReadOnlySpan<byte> tail, long at)
    {
        var room = stackalloc byte[2 * PageBytes];
        var page = new Span<byte>((byte*)(((nuint)room + PageBytes - 1) & ~(nuint)(PageBytes - 1)), PageBytes);
        tail.CopyTo(page);
        page[tail.Length..].Clear();
        RandomAccess.Write(file, page, at);
    }

    private static unsafe bool BeginsAtPage(ReadOnlySpan<byte> content) =>
        ((nuint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(content)) & (PageBytes - 1)) == 0;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);
}
