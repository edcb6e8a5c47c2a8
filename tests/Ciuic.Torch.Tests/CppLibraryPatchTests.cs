using Ciuic.Torch;

namespace Ciuic.Torch.Tests;

public sealed class CppLibraryPatchTests
{
    private static string Library => Path.Combine(
        AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    [Fact]
    public void The_patch_changes_a_few_bytes_once()
    {
        Assert.SkipUnless(File.Exists(Library), "not on linux-x64");
        var before = File.ReadAllBytes(Library);
        var after = before.ToArray();
        CppLibraryPatch.Apply(after);
        var changed = before.Zip(after).Count(pair => pair.First != pair.Second);
        Assert.InRange(changed, 1, 32);
        var again = after.ToArray();
        CppLibraryPatch.Apply(again);
        Assert.Equal(after, again);
    }

    [Fact]
    public void What_is_no_library_is_refused()
    {
        Assert.Throws<BadImageFormatException>(() => CppLibraryPatch.Apply(new byte[100]));
        Assert.Throws<BadImageFormatException>(() => CppLibraryPatch.Apply("not an ELF file"u8.ToArray()));
    }
}
