using System.Diagnostics;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Who this process is, and whether another one of this machine is still there.</summary>
internal static class ThisProcess
{
    public static TrainerIdentity Identity { get; } = new()
    {
        Host = Environment.MachineName,
        ProcessId = Environment.ProcessId,
        Space = FindSpace(),
        Agent = $"Ciuic.Client/{typeof(ThisProcess).Assembly.GetName().Version?.ToString(3)}",
    };

    /// <summary>
    /// Whether the process is certainly gone. Only answered within one boot and process namespace: elsewhere the
    /// number may belong to anyone.
    /// </summary>
    public static bool IsGone(TrainerIdentity other)
    {
        if (other.Host != Identity.Host || other.Space.Length == 0 || other.Space != Identity.Space)
            return false;
        try
        {
            using var process = Process.GetProcessById(other.ProcessId);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private static string FindSpace()
    {
        try
        {
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            return $"{boot}/{new FileInfo("/proc/self/ns/pid").LinkTarget}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
