namespace Ciuic.Grains;

/// <summary>
/// How long the lease in force lives on, as one activation has seen it: by a clock that nobody sets, and without the time in which
/// the run could answer nobody. A holder that asked in vain while a database stood still has not been silent. What is stored says
/// when a lease ends by the wall clock; that is believed once, by the next activation, and never for longer than a lease lasts.
/// </summary>
internal sealed class LeaseWatch(TimeProvider time, TimeSpan duration)
{
    /// <summary>A call of this length held up those who came behind it.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A lease that ended so lately may have ended because nobody could be asked. One that ended longer ago did not: nothing that
    /// its trainer could not reach for so long is waited for once more.
    /// </summary>
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(10);

    private long _until;

    /// <summary>Whether the holder has been heard of lately enough.</summary>
    public bool IsLive => time.GetTimestamp() < _until;

    /// <summary>
    /// Begins with what is stored. Of a lease that has just ended the holder gets the time of a renewal and more to be heard: he may
    /// have asked while there was no activation to answer.
    /// </summary>
    public void Begin(DateTimeOffset? expiresAt)
    {
        var left = expiresAt is { } end ? end - time.GetUtcNow() : TimeSpan.MinValue;
        if (left > duration)
            left = duration; // a clock was set back since
        if (left < duration / 2 && left > -Lately)
            left = duration / 2;
        _until = time.GetTimestamp() + (left > TimeSpan.Zero ? Ticks(left) : 0);
    }

    /// <summary>The holder was heard of.</summary>
    public void Heard() => _until = time.GetTimestamp() + Ticks(duration);

    /// <summary>A call has ended behind which all others waited.</summary>
    /// <param name="began">Timestamp of its beginning.</param>
    public void Served(long began)
    {
        var took = time.GetElapsedTime(began);
        if (took >= Long && began < _until)
            _until += Ticks(took);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
