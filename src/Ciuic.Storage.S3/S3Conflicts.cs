using System.Net;
using Amazon.S3;

namespace Ciuic.Storage.S3;

/// <summary>
/// Asks again when somebody else changes the same object just now: Ceph 20 refuses then even who only reads, and AWS who creates; the
/// SDK does not repeat it.
/// </summary>
internal sealed class S3Conflicts(TimeProvider time)
{
    public const int Max = 10;

    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(100);

    /// <summary>Asks until there is no conflict.</summary>
    public async Task<T> RepeatAsync<T>(Func<Task<T>> ask, CancellationToken cancel)
    {
        for (var conflicts = 0; ; conflicts++)
        {
            try
            {
                return await ask();
            }
            catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.Conflict) && conflicts < Max)
            {
                await Task.Delay(Delay, time, cancel);
            }
        }
    }
}
