using System.ComponentModel;
using System.Runtime.InteropServices;
using Ciuic.Core;
using Microsoft.Win32.SafeHandles;

namespace Ciuic.Storage;

/// <summary>
/// The three things .NET has no call for: publishing a file only if its name is free, replacing one, and
/// flushing a directory. On Linux and macOS by libc; on Windows MoveFileEx is atomic and the journal keeps names.
/// </summary>
public static partial class DurableFiles
{
    private const int ErrorExists = 17; // EEXIST, the same number on Linux and macOS
    private const int OpenReadOnly = 0;

    /// <summary>
    /// Writes bytes to a new file and flushes them to the disk. Blocks, as flushing does anyway: an asynchronous write
    /// is the same call on another thread of the pool, and under load waits in its queue.
    /// </summary>
    internal static void Write(string path, ReadOnlySpan<byte> content)
    {
        using SafeFileHandle file = File.OpenHandle(
            path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, content.Length);
        RandomAccess.Write(file, content, 0);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>
    /// Gives a finished file its name if the name is free. link(2) is atomic: exactly one of any number of
    /// callers succeeds. rename(2) would silently replace, and .NET's File.Move checks before it renames.
    /// </summary>
    /// <returns>False where the name is taken; the finished file stays under its own name in both cases on Linux and macOS.</returns>
    /// <exception cref="UnavailableException">The file system refuses.</exception>
    public static bool TryPublish(string finished, string name)
    {
        if (OperatingSystem.IsWindows())
            return TryMove(finished, name);
        if (Link(finished, name) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        // A folder of that name is no object; to say "exists" would make the caller look for its bytes for ever.
        return error == ErrorExists && File.Exists(name) ? false : throw Failed("link", name, error);
    }

    /// <summary>Makes a name's creation or replacement survive loss of power.</summary>
    public static void FlushDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(directory, OpenReadOnly);
        if (descriptor < 0)
            throw Failed("open", directory, Marshal.GetLastPInvokeError());
        try
        {
            if (Flush(descriptor) != 0)
                throw Failed("fsync", directory, Marshal.GetLastPInvokeError());
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static bool TryMove(string finished, string name)
    {
        try
        {
            File.Move(finished, name, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(name))
        {
            return false;
        }
    }

    private static UnavailableException Failed(string call, string path, int error) =>
        new($"{call} of '{path}' failed: {new Win32Exception(error).Message}.");

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
