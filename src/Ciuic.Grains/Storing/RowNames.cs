using System.Text;
using Orleans.Runtime;

namespace Ciuic.Grains;

/// <summary>
/// Under which name a grain's state is stored. Orleans' AdoNet storage takes a name that can be read as a hexadecimal number or a GUID
/// for that, so <c>a</c>, <c>A</c> and <c>000a</c> would be one row. Such names are stored with a mark before them, with which they can
/// be read as neither. Pure; different names have different rows.
/// </summary>
internal static class RowNames
{
    /// <summary>No digit of any number, and nothing that one of our names begins with.</summary>
    private const char Mark = '~';

    /// <summary>The grain under whose name the state is stored.</summary>
    /// <param name="grain">The grain.</param>
    /// <param name="isNumbered">Whether it may be one of those that are numbered, whose names are as Orleans prints them.</param>
    public static GrainId Of(GrainId grain, bool isNumbered) => IsSafe(grain, isNumbered)
        ? grain
        : GrainId.Create(grain.Type, IdSpan.Create(Mark + Encoding.UTF8.GetString(grain.Key.AsSpan())));

    /// <summary>Whether the provider's row of a name is that of no other name.</summary>
    private static bool IsSafe(GrainId grain, bool isNumbered)
    {
        if (grain.Key.AsSpan().StartsWith("~"u8) || grain.TryGetGuidKey(out _, out _))
            return false;
        return !grain.TryGetIntegerKey(out var number, out var extension)
            || (isNumbered && extension is null && grain.Key == GrainIdKeyExtensions.CreateIntegerKey(number));
    }
}
