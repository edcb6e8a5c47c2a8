using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The newest tree head accepted of a ledger, and how to tell that ledger again. See FORMAT.md.</summary>
/// <param name="Location">The bucket's place when it was accepted, for people, and to notice a ledger that was replaced there.</param>
/// <param name="Ledger">The ledger's folder in it.</param>
/// <param name="Bucket">The bucket's identity; null where it had none, or was not asked.</param>
/// <param name="First">The tree head key that the ledger began with: with it a ledger is found again wherever it lies.</param>
/// <param name="Head">The tree head.</param>
public sealed record RememberedHead(string Location, string Ledger, BucketId? Bucket, VerifierKey First, SignedTreeHead Head)
{
    private const string Header = "ciuic.dev/accepted-head/v2";
    private const string OldHeader = "ciuic.dev/accepted-head/v1";
    private const string NoBucket = "-";

    /// <summary>What it is kept under.</summary>
    public string Name => NameOf(Ledger, First);

    /// <summary>What the head of a ledger is kept under.</summary>
    public static string NameOf(string ledger, VerifierKey first) => NameOf(ledger, first.ToString());

    /// <summary>What releases that told ledgers by the place of their bucket kept it under.</summary>
    public static string OldNameOf(LedgerBucket bucket) => NameOf(bucket.Name, $"{bucket.Store.Location}\n{bucket.Name}");

    /// <summary>Whether it is of this ledger, or of one that was at its place.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="id">The identity of its bucket; null where that is not known.</param>
    /// <param name="keys">The ledger's tree head keys, as far as they are known.</param>
    public bool IsOf(LedgerBucket bucket, BucketId? id, IReadOnlyList<VerifierKey> keys) =>
        IsOf(keys) || (Ledger == bucket.Name && (Location == bucket.Store.Location || (Bucket is not null && Bucket == id)));

    /// <summary>Whether it is of the ledger with these keys, wherever that lies.</summary>
    public bool IsOf(IReadOnlyList<VerifierKey> keys) => keys.Contains(First) || keys.Contains(Head.Signer);

    /// <summary>The text.</summary>
    public string Encode() =>
        $"{Header}\n{Location} {Ledger}\n{Bucket?.ToString() ?? NoBucket}\n{First}\n{Head.Signer}\n\n{StrictUtf8.Decode(Head.Bytes, "the tree head")}";

    /// <summary>Reads the text, older releases' too.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    /// <exception cref="CorruptException">The tree head in it is damaged.</exception>
    public static RememberedHead Parse(string text)
    {
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = text[..Math.Max(end, 0)].Split('\n');
        var isOld = lines is [OldHeader, _, _];
        if ((!isOld && lines is not [Header, _, _, _, _]) || lines[1].LastIndexOf(' ') is not (> 0 and var space))
            throw new InvalidInputException($"it does not begin with {Header} and four more lines");
        var signer = VerifierKey.Parse(lines[^1]);
        return new RememberedHead(
            lines[1][..space],
            lines[1][(space + 1)..],
            isOld || lines[2] == NoBucket ? null : BucketId.Parse(lines[2]),
            isOld ? signer : VerifierKey.Parse(lines[3]),
            SignedTreeHead.Open(StrictUtf8.Encode(text[(end + 2)..]), signer.Name, [signer]));
    }

    private static string NameOf(string ledger, string told) =>
        $"{ledger}-{Digest.Of(StrictUtf8.Encode(told)).ToString()[..16]}";
}
