using System.ComponentModel;
using System.Diagnostics;

namespace Ciuic.Benchmarks;

/// <summary>Another program, run to its end.</summary>
internal static class PeerProcess
{
    /// <summary>What it printed.</summary>
    /// <exception cref="InvalidOperationException">It is not there, or failed; the message is its last word.</exception>
    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancel, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync(cancel);
            var output = await process.StandardOutput.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            return process.ExitCode == 0 ? output : throw new InvalidOperationException(await error);
        }
        catch (Win32Exception error)
        {
            throw new InvalidOperationException(error.Message, error);
        }
    }
}
