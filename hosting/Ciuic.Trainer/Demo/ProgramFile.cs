using System.Runtime.InteropServices;
using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>Finds the other programs of this repository, built beside this one.</summary>
internal static class ProgramFile
{
    /// <summary>The host that runs .NET programs: the one that runs this.</summary>
    public static string Dotnet { get; } = FindDotnet();

    /// <summary>A program's assembly: .../bin/PROJECT/CONFIGURATION/NAME.dll beside ours.</summary>
    /// <exception cref="NotFoundException">It is not built.</exception>
    public static string Find(string project, string name)
    {
        var ours = new DirectoryInfo(AppContext.BaseDirectory);
        var file = Path.Combine(ours.Parent!.Parent!.FullName, project, ours.Name, $"{name}.dll");
        return File.Exists(file)
            ? file
            : throw new NotFoundException($"'{file}' is not there: run this from the repository (dotnet run).");
    }

    /// <summary>This program's own assembly.</summary>
    public static string Self { get; } = typeof(ProgramFile).Assembly.Location;

    private static string FindDotnet()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var host = Path.Combine(root, name);
        return File.Exists(host) ? host : name;
    }
}
