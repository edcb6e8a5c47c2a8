namespace Ciuic.Storage;

/// <summary>
/// A bucket of named bytes. What every store promises, and the conformance suite checks:
/// <list type="bullet">
/// <item>Durable: when a write returns, its bytes survive loss of power (file and directory flushed).</item>
/// <item>All or nothing: a reader sees the whole object or none, whatever dies when.</item>
/// <item>Read after write: once a write returned, every reader sees it.</item>
/// <item>Unknown outcome: a write that threw may have happened, or may still happen. Read back before deciding;
/// retry only with the same bytes.</item>
/// </list>
/// Errors: <see cref="Core.UnavailableException"/> when the same call may succeed later. Cancellation ends the
/// waiting, not the write.
/// </summary>
public interface IObjectStore
{
    /// <summary>Where it is, for messages; never with secrets.</summary>
    string Location { get; }

    /// <summary>The whole object, or null where there is none.</summary>
    Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel);

    /// <summary>
    /// Fills the buffer from the given offset on.
    /// </summary>
    /// <returns>
    /// Bytes read: less than asked for only at the object's end, 0 beyond it; null where there is no object.
    /// </returns>
    Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel);

    /// <summary>Length in bytes, or null where there is no object.</summary>
    Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel);

    /// <summary>
    /// Creates the object if there is none. Atomic: of any number of concurrent creators, in any processes,
    /// exactly one gets <see cref="CreateResult.Created"/>; the object then has that one's bytes for ever.
    /// </summary>
    Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel);

    /// <summary>
    /// Writes the object, replacing it where there is one. Only for the ledger's checkpoint and for repairing an
    /// object whose bytes are provably not what its name says.
    /// </summary>
    Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel);

    /// <summary>
    /// All objects whose key begins with the prefix, in no particular order. Objects created or deleted
    /// meanwhile may or may not be among them; no other is left out, none comes twice.
    /// </summary>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel);

    /// <summary>Deletes the object; no error where there is none.</summary>
    Task DeleteAsync(ObjectKey key, CancellationToken cancel);
}
