using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>Python with torch, as Debian has it, and our package beside the native library that was built for it.</summary>
internal static class PythonProgram
{
    /// <summary>Debian's.</summary>
    public const string Python = "/usr/bin/python3";

    private static readonly Lazy<string?> Lacking = new(Look);

    public static string Package() => Path.GetFullPath(Path.Combine(Folder(), "..", "..", "..", "src", "python"));

    /// <summary>What is missing to run it; null where everything is there.</summary>
    public static string? Missing() => Lacking.Value;

    /// <summary>Runs a script or a module, with some variables set; what it remembers of ledgers it keeps at the place.</summary>
    public static ProgramRun Start(DemoPlace place, IEnumerable<string> arguments, params IEnumerable<string> variables) => ProgramRun.Native(
        "env",
        [
            "OMP_NUM_THREADS=1", $"PYTHONPATH={Package()}", "PYTHONDONTWRITEBYTECODE=1", $"XDG_STATE_HOME={Path.Combine(place.Folder, "state")}",
            .. variables, Python, .. arguments,
        ]);

    /// <summary>Writes the configuration of a run of a silo's.</summary>
    public static string Configure(DemoPlace place, string run, params (string Name, string Value)[] more) => Configure(place, run, [], more);

    /// <summary>Writes it with settings of the library, too.</summary>
    public static string Configure(
        DemoPlace place, string run, Dictionary<string, string> settings, params (string Name, string Value)[] more)
    {
        var path = Path.Combine(place.Folder, $"{run}.json");
        var said = new Dictionary<string, object>
        {
            ["blockchain_endpoint"] = $"http://localhost:{place.ApiPort}",
            ["api_key_file"] = place.ApiKeyFile,
            ["run"] = run,
            ["settings"] = settings,
        };
        foreach (var (name, value) in more)
            said[name] = value;
        File.WriteAllText(path, JsonSerializer.Serialize(said));
        return path;
    }

    private static string Folder([CallerFilePath] string source = "") => Path.GetDirectoryName(source)!;

    private static string? Look()
    {
        if (!File.Exists(Path.Combine(Package(), "ciuic_snapshot_chain", "native", "Ciuic.Native.so")))
            return "the native library is not built: dotnet publish src/Ciuic.Native -c Release";
        if (!File.Exists(Python))
            return $"there is no {Python}";
        using var process = Process.Start(new ProcessStartInfo(Python, ["-c", "import setuptools, pip, wheel, torch, numpy"]) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : $"{Python} lacks something: apt-get install python3-torch python3-numpy python3-pip python3-setuptools python3-wheel";
    }
}
