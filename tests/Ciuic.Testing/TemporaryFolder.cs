namespace Ciuic.Testing;

/// <summary>
/// An empty folder that goes with the test. Where the environment names a folder in <c>CIUIC_TEST_KEEP</c> it is moved there instead, for
/// <c>tests/audit-stores</c>.
/// </summary>
public sealed class TemporaryFolder : IDisposable
{
    private const string Variable = "CIUIC_TEST_KEEP";

    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("ciuic-test-").FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } kept)
            Directory.Move(Path, System.IO.Path.Combine(Directory.CreateDirectory(kept).FullName, System.IO.Path.GetFileName(Path)));
        else
            Directory.Delete(Path, recursive: true);
    }
}
