using System.Globalization;

namespace Ciuic.Client;

/// <summary>What Linux says about a process in <c>/proc/PID/stat</c>, see proc_pid_stat(5).</summary>
/// <param name="State">R, S, D, ...; Z is a process that has ended and that nobody has waited for.</param>
/// <param name="Started">When it was started, in clock ticks since the machine was: what tells it from another one of its number.</param>
internal readonly record struct ProcessStat(char State, ulong Started)
{
    private const int StateAt = 0;
    private const int StartedAt = 19;

    /// <summary>Whether it runs no more, although its number is not free yet.</summary>
    public bool HasEnded => State is 'Z' or 'X' or 'x';

    /// <summary>A process; null where it is not to be seen.</summary>
    public static ProcessStat? Read(int process)
    {
        try
        {
            return Parse(File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat")));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads the line; its second field is a name in brackets that may hold anything, brackets and spaces too.</summary>
    public static ProcessStat? Parse(string line)
    {
        var fields = line[(line.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > StartedAt && fields[StateAt].Length == 1
            && ulong.TryParse(fields[StartedAt], NumberStyles.None, CultureInfo.InvariantCulture, out var started)
            ? new ProcessStat(fields[StateAt][0], started)
            : null;
    }
}
