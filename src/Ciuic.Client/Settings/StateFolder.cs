namespace Ciuic.Client;

/// <summary>Where programs of this user leave what they need again: <c>$XDG_STATE_HOME/ciuic</c>, by default <c>~/.local/state/ciuic</c>.</summary>
internal static class StateFolder
{
    /// <summary>The folder, whether it is there or not; null where there is no home.</summary>
    /// <param name="environment">A variable's value; null where it is not set.</param>
    public static string? Find(Func<string, string?> environment)
    {
        var state = environment("XDG_STATE_HOME") is { Length: > 0 } set ? set
            : environment("HOME") is { Length: > 0 } home ? Path.Combine(home, ".local", "state")
            : environment("LOCALAPPDATA");
        return string.IsNullOrEmpty(state) ? null : Path.Combine(state, "ciuic");
    }
}
