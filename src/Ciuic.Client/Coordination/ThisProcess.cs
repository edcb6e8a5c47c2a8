using System.Diagnostics;
using System.Globalization;
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
    /// number may belong to anyone, whatever the machine's name is. One that has ended is gone although nobody has waited for it, and so
    /// is one whose number another process has now.
    /// </summary>
    public static bool IsGone(TrainerIdentity other)
    {
        var (place, started) = Split(other.Space);
        if (other.Host != Identity.Host || place.Length == 0 || place != Split(Identity.Space).Place)
            return false;
        if (ProcessStat.Read(other.ProcessId) is { } stat)
            return stat.HasEnded || (started is { } known && stat.Started != known);
        try
        {
            // A machine may hide other users' processes.
            using var process = Process.GetProcessById(other.ProcessId);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    /// <summary>
    /// <c>BOOT/NAMESPACE</c>, and since the process's start is told too, <c>BOOT/NAMESPACE/TICKS</c>: what older versions wrote names the
    /// same place.
    /// </summary>
    private static (string Place, ulong? Started) Split(string space)
    {
        var parts = space.Split('/');
        return parts.Length == 3 && ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var started)
            ? ($"{parts[0]}/{parts[1]}", started)
            : (space, null);
    }

    private static string FindSpace()
    {
        try
        {
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            var place = $"{boot}/{new FileInfo("/proc/self/ns/pid").LinkTarget}";
            return ProcessStat.Read(Environment.ProcessId) is { } own
                ? string.Create(CultureInfo.InvariantCulture, $"{place}/{own.Started}")
                : place;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
