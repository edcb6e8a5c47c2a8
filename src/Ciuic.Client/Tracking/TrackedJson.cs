using System.Text.Json;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// A user's item as JSON. It is read while items are compared, so that one that does not fit is a mismatch like any other
/// and the model has not been touched.
/// </summary>
internal sealed class TrackedJson<T>(string item, Func<T> capture, Action<T> restore) : ITrackedState
{
    private readonly TrackedBytes _bytes = new(
        item,
        () => JsonSerializer.SerializeToUtf8Bytes(capture()),
        saved => restore(JsonSerializer.Deserialize<T>(saved)!));

    public string Item => item;

    public ItemState Capture() => _bytes.Capture();

    public IReadOnlyList<string> Compare(SavedItem saved) =>
        _bytes.Compare(saved) is { Count: > 0 } mismatches ? mismatches : Read(saved);

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved) => _bytes.Restore(saved);

    private string[] Read(SavedItem saved)
    {
        try
        {
            JsonSerializer.Deserialize<T>(saved.TryReadBytes(TrackedBytes.Name));
            return [];
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            return [$"{item}: the saved JSON is no {typeof(T).Name}: {error.Message}"];
        }
    }
}
