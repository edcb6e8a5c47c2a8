namespace Ciuic.Core;

/// <summary>How scopes are spelled for people.</summary>
public static class AccessScopes
{
    /// <summary>The scope on command lines and in messages.</summary>
    public static string Name(this AccessScope scope) => scope switch
    {
        AccessScope.Read => "read",
        AccessScope.Write => "write",
        _ => "admin",
    };

    /// <summary>Reads a scope; capitals do not matter.</summary>
    /// <exception cref="InvalidInputException">There is no such scope.</exception>
    public static AccessScope Parse(string text) => text.ToLowerInvariant() switch
    {
        "read" => AccessScope.Read,
        "write" => AccessScope.Write,
        "admin" => AccessScope.Admin,
        _ => throw new InvalidInputException($"'{text}' is nothing that a key can be for: read, write or admin."),
    };
}
