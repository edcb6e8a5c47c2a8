using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Grains;

/// <summary>Reads chunks and checks them. Several calls interleave: their work is waiting for the store.</summary>
[Orleans.Concurrency.Reentrant] // has no state that a second call could disturb
internal sealed class VerifierGrain(ChunkStore chunks) : Grain, IVerifierGrain
{
    public async Task<Dictionary<int, string>> VerifyAsync(ChunkToVerify[] toVerify)
    {
        var complaints = new Dictionary<int, string>();
        for (var i = 0; i < toVerify.Length; i++)
        {
            try
            {
                var (id, length, bases) = toVerify[i];
                await chunks.CheckAsync(id, bases, length, CancellationToken.None);
            }
            catch (CorruptException error)
            {
                complaints[i] = error.Message;
            }
        }

        return complaints;
    }
}
