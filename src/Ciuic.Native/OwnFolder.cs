using System.Reflection;
using System.Runtime.InteropServices;
using NSec.Cryptography;

namespace Ciuic.Native;

/// <summary>
/// Finds the library of Ed25519 beside this one. By itself the runtime looks beside the program, which is Python's.
/// </summary>
internal static unsafe class OwnFolder
{
    /// <summary>Called once, before anything is signed or checked.</summary>
    public static void Use() => NativeLibrary.SetDllImportResolver(typeof(Ed25519).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (Find() is not { } folder)
            return 0;
        var suffix = OperatingSystem.IsMacOS() ? ".dylib" : ".so";
        return NativeLibrary.TryLoad(Path.Combine(folder, name + suffix), out var handle) ? handle : 0;
    }

    private static string? Find()
    {
        if (OperatingSystem.IsWindows())
            return null; // it looks beside the loading library by itself
        delegate* unmanaged<int> own = &Exports.GetVersion;
        return DlAddr(own, out var found) != 0 && Marshal.PtrToStringUTF8(found.FileName) is { } file ? Path.GetDirectoryName(file) : null;
    }

    [DllImport("libc", EntryPoint = "dladdr"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int DlAddr(void* address, out Found found);

    [StructLayout(LayoutKind.Sequential)]
    private struct Found
    {
        public nint FileName;
        public nint Base;
        public nint SymbolName;
        public nint SymbolAddress;
    }
}
