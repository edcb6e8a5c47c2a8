namespace Ciuic.Storage;

/// <summary>Whether the file store writes large objects past the page cache (O_DIRECT).</summary>
public enum DirectWrites
{
    /// <summary>Tries both, and keeps to the page cache unless the other is clearly faster.</summary>
    Auto = 1,

    /// <summary>Wherever the file system can: costs the processor least, but who reads the bytes next reads them from the disk.</summary>
    On,

    /// <summary>Never.</summary>
    Off,
}
