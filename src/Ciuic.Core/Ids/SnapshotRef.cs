namespace Ciuic.Core;

/// <summary>
/// How a person names a snapshot of a run: <c>latest</c>, <c>step:N</c>, <c>#sequence</c>, <c>tag:NAME</c> or the first
/// hex digits (4 or more) of its manifest digest.
/// </summary>
public abstract record SnapshotRef
{
    private const int MinPrefix = 4;

    private SnapshotRef()
    {
    }

    /// <summary>The chain head: what the run would resume from.</summary>
    public sealed record Latest : SnapshotRef;

    /// <summary>The newest committed snapshot taken after this many steps.</summary>
    public sealed record AtStep(long Step) : SnapshotRef;

    /// <summary>The snapshot with this sequence.</summary>
    public sealed record AtSequence(Sequence Sequence) : SnapshotRef;

    /// <summary>The snapshot that has this tag now.</summary>
    public sealed record Tagged(TagName Tag) : SnapshotRef;

    /// <summary>The snapshot whose manifest digest begins with these lower-case hex digits.</summary>
    public sealed record WithDigest(string Prefix) : SnapshotRef;

    /// <summary>Reads a reference.</summary>
    /// <exception cref="InvalidInputException">The text is none of the five forms.</exception>
    public static SnapshotRef Parse(string text)
    {
        if (text == "latest")
            return new Latest();
        if (text.StartsWith("step:", StringComparison.Ordinal) && Decimal64.TryParse(text.AsSpan(5), out var step))
            return new AtStep(step);
        if (text.StartsWith('#') && Sequence.TryParse(text[1..], null, out var sequence))
            return new AtSequence(sequence);
        if (text.StartsWith("tag:", StringComparison.Ordinal) && TagName.TryParse(text[4..], null, out var tag))
            return new Tagged(tag);
        if (IsDigestPrefix(text))
            return new WithDigest(text);
        throw new InvalidInputException(
            $"'{text}' names no snapshot: use latest, step:N, #sequence, tag:NAME or {MinPrefix} or more digits of its digest.");
    }

    /// <inheritdoc/>
    public sealed override string ToString() => this switch
    {
        AtStep at => $"step:{at.Step}",
        AtSequence at => $"#{at.Sequence}",
        Tagged with => $"tag:{with.Tag}",
        WithDigest with => with.Prefix,
        _ => "latest",
    };

    private static bool IsDigestPrefix(string text) =>
        text.Length is >= MinPrefix and <= 2 * Digest.Size
        && !text.AsSpan().ContainsAnyExcept("0123456789abcdef");
}
