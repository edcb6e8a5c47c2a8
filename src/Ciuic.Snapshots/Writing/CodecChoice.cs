using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Which mode stores the next save. Where time comes first, each is tried, and the one by which the last saves were stored
/// soonest is kept to: a fast disk gets raw bytes, a slow link differences. The others are tried again once in a while.
/// </summary>
internal sealed class CodecChoice(CodecOptions options)
{
    private const int TryEvery = 16;
    private const double Newest = 0.3;

    private static readonly CodecMode[] Modes = [CodecMode.Delta, CodecMode.Raw, CodecMode.Planes];

    private readonly Dictionary<CodecMode, double> _secondsPerByte = [];
    private int _saves;

    /// <summary>The mode of the next save.</summary>
    /// <param name="mayDiffer">Whether it may be stored from the snapshot before.</param>
    public CodecMode Next(bool mayDiffer)
    {
        if (options.Mode != CodecMode.Auto)
            return options.Mode;
        if (options.Prefer == CodecPreference.Bytes)
            return CodecMode.Delta;
        _saves++;
        var modes = mayDiffer ? Modes : Modes[1..];
        if (Array.Find(modes, m => !_secondsPerByte.ContainsKey(m)) is var untried && untried != 0)
            return untried;
        return _saves % TryEvery == 0
            ? modes[_saves / TryEvery % modes.Length]
            : modes.MinBy(m => _secondsPerByte[m]);
    }

    /// <summary>Tells how long a save of so many plain bytes took until it was stored.</summary>
    /// <param name="mode">How it was stored.</param>
    /// <param name="time">From its first byte to its last.</param>
    /// <param name="bytes">Plain bytes.</param>
    public void Took(CodecMode mode, TimeSpan time, long bytes)
    {
        if (bytes == 0)
            return;
        var now = time.TotalSeconds / bytes;
        _secondsPerByte[mode] = _secondsPerByte.TryGetValue(mode, out var before) ? ((1 - Newest) * before) + (Newest * now) : now;
    }
}
