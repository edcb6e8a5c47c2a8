using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>A user's item: bytes that the program makes and takes back.</summary>
internal sealed class TrackedBytes(string item, Func<byte[]> capture, Action<byte[]> restore) : ITrackedState
{
    /// <summary>The item's one value has no name of its own.</summary>
    public const string Name = "value";

    public string Item => item;

    public ItemState Capture() => new(item, [], [KeyValuePair.Create(Name, capture())], []);

    public IReadOnlyList<string> Compare(SavedItem saved) =>
        saved.ByteNames.Contains(Name) ? [] : [$"{item} holds no bytes in the snapshot"];

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        restore(saved.TryReadBytes(Name)!);
        return [];
    }
}
