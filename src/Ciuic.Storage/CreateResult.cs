namespace Ciuic.Storage;

/// <summary>The answer to a create-if-absent.</summary>
public enum CreateResult
{
    /// <summary>The object did not exist and now has the given bytes.</summary>
    Created = 1,

    /// <summary>There was an object of this name; it was left as it is. It may be our own, written earlier.</summary>
    AlreadyExists,
}
