using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Silo;

/// <summary>Creates an object of its own, reads it back and deletes it: what a commit needs of the bucket.</summary>
/// <param name="store">The bucket.</param>
/// <param name="time">Makes names that no other silo has.</param>
internal sealed class StoreProbe(IObjectStore store, TimeProvider time)
{
    public async Task RunAsync(CancellationToken cancel)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var (key, content) = (new ObjectKey($"probe/{id:N}"), id.ToByteArray());
        try
        {
            await store.CreateAsync(key, content, cancel);
            if (await store.GetAsync(key, cancel) is not { } read || !read.AsSpan().SequenceEqual(content))
                throw new CorruptException($"{store.Location}: {key} is not read back as it was written.");
        }
        finally
        {
            // After an unknown outcome, too: it may have landed.
            await store.DeleteAsync(key, cancel);
        }
    }
}
