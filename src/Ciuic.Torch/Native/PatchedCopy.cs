using Ciuic.Core;

namespace Ciuic.Torch;

/// <summary>The patched library in the user's cache folder, named by its content.</summary>
internal static class PatchedCopy
{
    /// <summary>Makes the copy, or finds the one made before. Any number of processes may do so at once.</summary>
    public static string Of(string library)
    {
        var image = File.ReadAllBytes(library);
        CppLibraryPatch.Apply(image);
        var folder = Path.Combine(CacheFolder(), Digest.Of(image).ToShortString());
        var copy = Path.Combine(folder, Path.GetFileName(library));
        if (File.Exists(copy) && new FileInfo(copy).Length == image.Length)
            return copy;
        Directory.CreateDirectory(folder);
        var temporary = Path.Combine(folder, Path.GetRandomFileName());
        File.WriteAllBytes(temporary, image);
        File.Move(temporary, copy, overwrite: true); // whoever comes second replaces it by the same bytes
        return copy;
    }

    private static string CacheFolder()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache))
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            cache = home.Length > 0 ? Path.Combine(home, ".cache") : Path.GetTempPath();
        }

        return Path.Combine(cache, "ciuic", "torchsharp");
    }
}
