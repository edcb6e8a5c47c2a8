namespace Ciuic.Storage;

/// <summary>One line of a listing.</summary>
/// <param name="Key">The object.</param>
/// <param name="Length">Its bytes.</param>
public readonly record struct ObjectInfo(ObjectKey Key, long Length);
