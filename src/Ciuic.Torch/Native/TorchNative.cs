using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace Ciuic.Torch;

/// <summary>
/// Makes TorchSharp's native library load on systems whose C++ library is older than the one it was built with
/// (Debian 12, Ubuntu 22.04, RHEL 9): it asks for GLIBCXX_3.4.32 because of a single symbol that libtorch makes
/// unnecessary. Where the library loads as it is, nothing happens. The NuGet cache and the program's folder are never
/// changed: the patched copy lies in the user's cache folder.
/// </summary>
public static class TorchNative
{
    private const string LibraryName = "LibTorchSharp";
    private const string FileName = "libLibTorchSharp.so";

    private static readonly Lock Gate = new();
    private static bool _registered;
    private static nint _handle;

    /// <summary>
    /// Call before the first use of TorchSharp; again does nothing. Programs that reference the package, or import
    /// buildTransitive/Ciuic.Torch.targets, do it by themselves.
    /// </summary>
    public static void EnsureLoadable()
    {
        lock (Gate)
        {
            if (_registered || !OperatingSystem.IsLinux())
                return;
            // Asked only after .NET's own search has failed: on newer systems that never happens.
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
            _registered = true;
        }
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        if (name != LibraryName || FindLibrary() is not { } library)
            return 0;
        lock (Gate)
        {
            if (_handle == 0)
                _handle = LoadPatched(library);
            return _handle;
        }
    }

    private static nint LoadPatched(string library)
    {
        var reason = WhyItDoesNotLoad(library);
        if (reason is null || !reason.Contains(CppLibraryPatch.Version, StringComparison.Ordinal))
        {
            throw new DllNotFoundException(
                $"TorchSharp's native library '{library}' cannot be loaded, and not because of an old C++ library: {reason}");
        }

        // The copy lies elsewhere, so what it needs from libtorch must be loaded before it.
        foreach (var needed in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            var path = Path.Combine(Path.GetDirectoryName(library)!, needed);
            if (File.Exists(path))
                NativeLibrary.Load(path);
        }

        return NativeLibrary.Load(PatchedCopy.Of(library));
    }

    private static string? WhyItDoesNotLoad(string library)
    {
        try
        {
            NativeLibrary.Load(library);
            return null;
        }
        catch (DllNotFoundException error)
        {
            return error.Message;
        }
    }

    private static string? FindLibrary()
    {
        var rid = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";
        var searched = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(':');
        return searched
            .Append(AppContext.BaseDirectory)
            .Append(Path.Combine(AppContext.BaseDirectory, "runtimes", rid, "native"))
            .Where(folder => folder.Length > 0)
            .Select(folder => Path.Combine(folder, FileName))
            .FirstOrDefault(File.Exists);
    }
}
