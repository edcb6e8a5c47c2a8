namespace Ciuic.Core;

/// <summary>The rules for key names and origins of signed notes.</summary>
internal static class KeyName
{
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= 255 && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c == '+');
}
