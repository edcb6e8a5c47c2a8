using System.IO.Enumeration;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// Which tensors and byte items of a snapshot are meant: <c>model</c> is all of an item, <c>model/blocks.0.*</c> some of it;
/// <c>*</c> stands for any characters, <c>?</c> for one. Capitals matter.
/// </summary>
internal sealed class PartPatterns
{
    private readonly string[] _patterns;

    /// <param name="patterns">What is meant; none means everything.</param>
    /// <exception cref="InvalidInputException">A pattern is empty.</exception>
    public PartPatterns(IEnumerable<string> patterns)
    {
        _patterns = [.. patterns];
        if (_patterns.Any(string.IsNullOrWhiteSpace))
            throw new InvalidInputException("A pattern is empty; write an item such as model, or model/blocks.0.* for some of it.");
    }

    public bool Match(string item, string name) => _patterns.Length == 0 || _patterns.Any(p => Match(p, item, name));

    /// <summary>Names the patterns that match nothing of a snapshot: a misspelled one must not pass for an empty answer.</summary>
    /// <exception cref="NotFoundException">There is one.</exception>
    public void RequireMatches(SnapshotId snapshot, IReadOnlyList<(string Item, string Name)> parts)
    {
        foreach (var pattern in _patterns.Where(p => !parts.Any(part => Match(p, part.Item, part.Name))))
        {
            var items = string.Join(", ", parts.Select(p => p.Item).Distinct());
            throw new NotFoundException($"Nothing in snapshot #{snapshot.Sequence} of run {snapshot.Run} matches '{pattern}'; its items are {items}.");
        }
    }

    private static bool Match(string pattern, string item, string name) =>
        pattern == item
        || FileSystemName.MatchesSimpleExpression(
            pattern, pattern.Contains('/', StringComparison.Ordinal) ? $"{item}/{name}" : item, ignoreCase: false);
}
