namespace Ciuic.Chaos;

/// <summary>What is wrong, in words, by kind; each list is empty where a promise held.</summary>
internal sealed record Verdict
{
    /// <summary>Acknowledged and not in the ledger.</summary>
    public required IReadOnlyList<string> Lost { get; init; }

    /// <summary>Given to somebody, or stored, with other bytes than were saved.</summary>
    public required IReadOnlyList<string> Wrong { get; init; }

    /// <summary>Given to somebody and not in the ledger.</summary>
    public required IReadOnlyList<string> Visible { get; init; }

    /// <summary>One place with two snapshots, or an event that came twice, not at all or out of order.</summary>
    public required IReadOnlyList<string> Duplicates { get; init; }

    /// <summary>Snapshots that the ledger commits.</summary>
    public required int Committed { get; init; }

    /// <summary>Whether all promises held.</summary>
    public bool Holds => Lost.Count + Wrong.Count + Visible.Count + Duplicates.Count == 0;

    public IEnumerable<string> All => Lost.Concat(Wrong).Concat(Visible).Concat(Duplicates);
}
