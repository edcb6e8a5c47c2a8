using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// A committed snapshot to read from: only what is asked for is fetched, when it is asked for, and every byte of it is checked.
/// </summary>
public sealed class SavedSnapshot : IDisposable
{
    private readonly ChunkStore _chunks;

    internal SavedSnapshot(ChunkStore chunks, Manifest manifest, SnapshotLink link, IReadOnlyList<SavedItem> items)
    {
        _chunks = chunks;
        (Manifest, Link, Items) = (manifest, link, items);
    }

    /// <summary>Which one it is.</summary>
    public SnapshotLink Link { get; }

    /// <summary>Its root manifest: step, epoch, metrics, labels and so on.</summary>
    public Manifest Manifest { get; }

    /// <summary>The items of which something was asked for; each shows that part only. Usable until this is disposed.</summary>
    public IReadOnlyList<SavedItem> Items { get; }

    /// <inheritdoc/>
    public void Dispose() => _chunks.Dispose();
}
