using Microsoft.AspNetCore.Http;

namespace Ciuic.Gateway;

/// <summary>Bytes that may be in memory at once, whoever sends them.</summary>
internal sealed class ByteBudget(long bytes)
{
    private long _left = bytes;

    /// <summary>Takes some of it, until what is returned is disposed of.</summary>
    /// <exception cref="HttpProblemException">There is not enough left: 429.</exception>
    public IDisposable Take(long wanted)
    {
        if (Interlocked.Add(ref _left, -wanted) >= 0)
            return new Taken(this, wanted);
        Interlocked.Add(ref _left, wanted);
        throw new HttpProblemException(
            StatusCodes.Status429TooManyRequests, "Too many bytes are on their way at once (Ciuic:Gateway:MaxBufferedBytes): send them again in a moment.");
    }

    private sealed class Taken(ByteBudget from, long bytes) : IDisposable
    {
        private int _returned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0)
                Interlocked.Add(ref from._left, bytes);
        }
    }
}
