using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Knows since when the cluster does not answer; what is to be said of it is said when it goes and when it is back, not in between.</summary>
/// <param name="time">The clock.</param>
/// <param name="isAway">Told when it goes.</param>
/// <param name="isBack">Told when it is back.</param>
internal sealed class SiloWatch(TimeProvider time, Action<UnavailableException> isAway, Action isBack)
{
    private readonly Lock _lock = new();
    private UnavailableException? _last;
    private long _since;

    /// <summary>How long it has not answered; zero where it has.</summary>
    public TimeSpan AwayFor
    {
        get
        {
            lock (_lock)
                return _last is null ? TimeSpan.Zero : time.GetElapsedTime(_since);
        }
    }

    /// <summary>What kept it from answering; null where it has answered.</summary>
    public string? Problem
    {
        get
        {
            lock (_lock)
                return _last?.Message;
        }
    }

    public void NotAnswered(UnavailableException error)
    {
        bool isNews;
        lock (_lock)
        {
            isNews = _last is null;
            if (isNews)
                _since = time.GetTimestamp();
            _last = error;
        }

        if (isNews)
            isAway(error);
    }

    public void Answered()
    {
        bool isNews;
        lock (_lock)
        {
            isNews = _last is not null;
            _last = null;
        }

        if (isNews)
            isBack();
    }
}
