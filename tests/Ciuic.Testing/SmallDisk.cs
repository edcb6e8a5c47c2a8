using System.Diagnostics;
using Xunit;

namespace Ciuic.Testing;

/// <summary>
/// A disk of a few pages that really becomes full, in memory; only root may mount one, so elsewhere its tests are skipped. It goes
/// with the test.
/// </summary>
public sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly bool _isMounted;

    /// <summary>Mounts it.</summary>
    /// <param name="bytes">Its size, in whole pages.</param>
    public SmallDisk(long bytes)
    {
        _isMounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs", Path) == 0;
        if (_isMounted)
            return;
        _folder.Dispose();
        Required.Need("mount", "only root may mount a small disk, on Linux");
    }

    /// <summary>Where it is mounted.</summary>
    public string Path => _folder.Path;

    /// <summary>Fills what is left of it.</summary>
    /// <returns>The file that fills it: without it there is room again.</returns>
    public string Fill()
    {
        var path = _folder.File("fill");
        using var file = File.Create(path, bufferSize: 0);
        var page = new byte[4_096];
        try
        {
            while (true)
                file.Write(page);
        }
        catch (IOException)
        {
            return path; // full
        }
    }

    public void Dispose()
    {
        if (!_isMounted)
            return;
        Assert.Equal(0, Run("umount", "-l", Path)); // lazily: a disk thread may still hold it
        _folder.Dispose();
    }

    private static int Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1; // there is no such program
        }
    }
}
