namespace Ciuic.Core;

/// <summary>A snapshot by its place: run and sequence. Prints as <c>run#7</c>.</summary>
public readonly record struct SnapshotId(RunId Run, Sequence Sequence) : IParsable<SnapshotId>
{
    /// <inheritdoc/>
    public static SnapshotId Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var id)
            ? id
            : throw new InvalidInputException($"'{s}' is not a snapshot id such as run#7.");

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out SnapshotId result)
    {
        result = default;
        var mark = s?.LastIndexOf('#') ?? -1;
        if (mark < 0 || !RunId.TryParse(s![..mark], provider, out var run))
            return false;
        if (!Sequence.TryParse(s[(mark + 1)..], provider, out var sequence))
            return false;
        result = new SnapshotId(run, sequence);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Run}#{Sequence}";
}
