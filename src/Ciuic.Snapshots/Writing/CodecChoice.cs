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
    public CodecMode Next()
    {
        if (options.Mode != CodecMode.Auto)
            return options.Mode;
        if (options.Prefer == CodecPreference.Bytes)
            return CodecMode.Delta;
        _saves++;
        // The first save has nothing to differ from, so differences are judged by a later one.
        if (_saves > 1 && Array.Find(Modes, m => !_secondsPerByte.ContainsKey(m)) is var untried && untried != 0)
            return untried;
        return _saves % TryEvery == 0
            ? Modes[_saves / TryEvery % Modes.Length]
            : Modes.MinBy(m => _secondsPerByte.GetValueOrDefault(m, double.MaxValue));
    }

    /// <summary>Tells how long a save of so many plain bytes took until it was stored.</summary>
    /// <param name="mode">How it was stored.</param>
    /// <param name="hadBases">Whether there was a snapshot to differ from.</param>
    /// <param name="time">From its first byte to its last.</param>
    /// <param name="bytes">Plain bytes.</param>
    public void Took(CodecMode mode, bool hadBases, TimeSpan time, long bytes)
    {
        if (bytes == 0 || (mode == CodecMode.Delta && !hadBases))
            return;
        var now = time.TotalSeconds / bytes;
        _secondsPerByte[mode] = _secondsPerByte.TryGetValue(mode, out var before) ? ((1 - Newest) * before) + (Newest * now) : now;
    }
}
