using System.Runtime.CompilerServices;
using Xunit;

namespace Ciuic.Testing;

/// <summary>
/// Bytes that must never change. A golden file that exists is never rewritten; a missing one is written once and the
/// test fails, so that it is looked at before it is committed.
/// </summary>
public static class Golden
{
    /// <summary>The bytes of a golden file.</summary>
    public static byte[] Read(string name, [CallerFilePath] string source = "") =>
        File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(source)!, "Golden", name));

    /// <summary>Compares with the golden file of this name beside the test's source.</summary>
    public static void Check(string name, ReadOnlySpan<byte> actual, [CallerFilePath] string source = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(source)!, "Golden", name);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, actual);
            Assert.Fail($"{name} did not exist and was written: look at it, then commit it.");
        }

        Assert.Equal(File.ReadAllBytes(path), actual.ToArray());
    }
}
