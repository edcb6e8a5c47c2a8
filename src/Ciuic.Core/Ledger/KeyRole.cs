namespace Ciuic.Core;

/// <summary>What a key of a ledger signs.</summary>
public enum KeyRole
{
    /// <summary>Blocks; named <c>origin/blocks</c>.</summary>
    Blocks = 1,

    /// <summary>Tree heads; named as the origin.</summary>
    TreeHead,
}

/// <summary>How roles are spelled.</summary>
public static class KeyRoles
{
    /// <summary>The role in files and on command lines.</summary>
    public static string Name(this KeyRole role) => role == KeyRole.Blocks ? "blocks" : "tree-head";

    /// <summary>Reads a role, as files, command lines and addresses have it; <c>tree_head</c> and <c>TreeHead</c> were written before.</summary>
    /// <exception cref="InvalidInputException">There is no such role.</exception>
    public static KeyRole Parse(string text) => text switch
    {
        "blocks" or "Blocks" => KeyRole.Blocks,
        "tree-head" or "tree_head" or "TreeHead" => KeyRole.TreeHead,
        _ => throw new InvalidInputException($"'{text}' is no role of a key: blocks or tree-head."),
    };

    /// <summary>The name that an origin's keys of this role have.</summary>
    public static string KeyName(this KeyRole role, string origin) =>
        role == KeyRole.Blocks ? Block.KeyNameFor(origin) : origin;
}
