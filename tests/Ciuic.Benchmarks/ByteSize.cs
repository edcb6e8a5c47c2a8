using System.CommandLine.Parsing;
using System.Globalization;

namespace Ciuic.Benchmarks;

/// <summary>Sizes as people write them: <c>512MiB</c>, <c>2GiB</c>, or a number of bytes.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] Units = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("", 1)];

    /// <summary>The bytes that an option says; an error where it says none.</summary>
    public static long? Of(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        var (unit, bytes) = Units.First(u => text.EndsWith(u.Unit, StringComparison.OrdinalIgnoreCase));
        if (double.TryParse(text[..^unit.Length], CultureInfo.InvariantCulture, out var number) && number > 0)
            return (long)(number * bytes);
        argument.AddError($"'{text}' is no size: write 512MiB or 2GiB.");
        return null;
    }
}
