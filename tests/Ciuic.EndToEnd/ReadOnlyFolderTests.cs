using System.Diagnostics;
using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>A bucket in a folder that nothing can be written to: what is committed can be read and resumed, and the silo says so.</summary>
public sealed class ReadOnlyFolderTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder _folder = new();
    private string? _mounted;

    [Fact]
    public async Task A_silo_starts_and_says_so_runs_are_resumed_and_verified_and_later_all_goes_on()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        var cli = new CliRun(place);
        await using (var silo = await SiloProcess.StartAsync(place, None))
        {
            await cli.TrainAsync(ExitCode.Ok, "a", 6);
            await silo.StopAsync(None);
        }

        MountReadOnly(place.StorePath);
        await using (var silo = await SiloProcess.StartAsync(place, None))
        {
            Assert.Contains("NOT READY", await File.ReadAllTextAsync(place.SiloLog));
            Assert.Contains(await cli.TrainAsync(ExitCode.Ok, "a", 6), l => l.StartsWith("@resumed 6", StringComparison.Ordinal));
            await silo.StopAsync(None);
        }

        await cli.ExpectAsync(ExitCode.Ok, "VERIFIED", "verify", "a@latest");
        Unmount();
        await using var last = await SiloProcess.StartAsync(place, None);
        await cli.TrainAsync(ExitCode.Ok, "a", 9);
    }

    public void Dispose()
    {
        Unmount();
        _folder.Dispose();
    }

    private void MountReadOnly(string folder)
    {
        var isMounted = OperatingSystem.IsLinux() && Run("mount", "--bind", folder, folder) == 0;
        _mounted = isMounted ? folder : null;
        Required.Need("mount", isMounted && Run("mount", "-o", "remount,ro,bind", folder) == 0 ? null : "only root may mount, on Linux");
    }

    private void Unmount()
    {
        if (_mounted is not null)
            Assert.Equal(0, Run("umount", "-l", _mounted));
        _mounted = null;
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
