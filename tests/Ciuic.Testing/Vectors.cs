using System.Text.Json;
using Xunit;

namespace Ciuic.Testing;

/// <summary>
/// Public test vectors, read from the folder that CIUIC_VECTORS names. They are not part of this repository: where the
/// variable is not set, tests that need them are skipped visibly.
/// </summary>
public static class Vectors
{
    public static string Folder
    {
        get
        {
            var folder = Environment.GetEnvironmentVariable("CIUIC_VECTORS");
            Assert.SkipWhen(string.IsNullOrEmpty(folder), "CIUIC_VECTORS is not set");
            return folder!;
        }
    }

    public static JsonElement Read(params string[] path) => JsonDocument
        .Parse(File.ReadAllBytes(Path.Combine([Folder, .. path])))
        .RootElement;
}
