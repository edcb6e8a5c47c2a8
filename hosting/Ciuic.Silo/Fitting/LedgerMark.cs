using Ciuic.Core;

namespace Ciuic.Silo;

/// <summary>Which ledger belongs to a database: its name, and the keys that it began with. Its origin is the name in them.</summary>
internal sealed record LedgerMark(string Ledger, VerifierKey TreeHead, VerifierKey Blocks)
{
    /// <summary>Its name in the database.</summary>
    public const string Name = "ledger";

    public static LedgerMark Of(string ledger, LedgerKeys keys) => new(ledger, keys.TreeHead[0], keys.Blocks[0]);

    public string Encode() => $"{Ledger}\n{TreeHead}\n{Blocks}\n";

    /// <exception cref="CorruptException">The text is none.</exception>
    public static LedgerMark? Parse(string? text, string database)
    {
        if (text is null)
            return null;
        try
        {
            var lines = text.Split('\n');
            if (lines.Length == 4)
                return new LedgerMark(lines[0], VerifierKey.Parse(lines[1]), VerifierKey.Parse(lines[2]));
        }
        catch (InvalidInputException)
        {
            // Said below.
        }

        throw new CorruptException($"{database}: what it says about its ledger (table CiuicMemory, name '{Name}') cannot be read.");
    }

    public override string ToString() => $"ledger '{Ledger}' of {TreeHead.Name}, begun with the keys {TreeHead.Id:x8} and {Blocks.Id:x8}";
}
