using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Ciuic.Benchmarks;

/// <summary>
/// The system calls that a durable create-if-absent needs, and nothing else: the disk's limit. One thread, one file after
/// the other, as blocks follow each other.
/// </summary>
internal sealed partial class RawFiles
{
    private readonly string _folder;
    private readonly int _directory;
    private long _last;

    public RawFiles(string folder)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        _directory = Check(Open(_folder, 0));
    }

    public void Create(byte[] content)
    {
        var temporary = Path.Combine(_folder, "temporary");
        using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, preallocationSize: content.Length))
        {
            RandomAccess.Write(file, content, 0);
            RandomAccess.FlushToDisk(file);
        }

        Check(Link(temporary, Path.Combine(_folder, $"{_last++}")));
        Check(Flush(_directory));
        File.Delete(temporary);
    }

    private static int Check(int result) =>
        result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);
}
