namespace Ciuic.Core;

/// <summary>
/// A trainer's word for its shard: a signed note by the run's key that names run, sequence, rank, step and the shard
/// manifest's digest, and so every byte of it. The root manifest and the ledger record name the key. See FORMAT.md.
/// </summary>
public static class ShardSignature
{
    private const string Header = "ciuic.dev/shard-signature/v1";

    /// <summary>Signs a shard.</summary>
    public static byte[] Sign(SnapshotId snapshot, Rank rank, long step, ShardDigest shard, SigningKey key) =>
        SignedNote.Sign(Text(snapshot, rank, step, shard), key);

    /// <summary>Checks that the key signed exactly this shard.</summary>
    /// <exception cref="CorruptException">The bytes are no such note, say something else, or the key did not sign them.</exception>
    public static void Verify(
        ReadOnlySpan<byte> bytes, SnapshotId snapshot, Rank rank, long step, ShardDigest shard, VerifierKey key)
    {
        try
        {
            if (SignedNote.Open(bytes, [key]).Text != Text(snapshot, rank, step, shard))
                throw new CorruptException($"the signature of rank {rank} of {snapshot} is for another shard");
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"the signature of rank {rank} of {snapshot} cannot be read: {error.Message}", error);
        }
    }

    private static string Text(SnapshotId snapshot, Rank rank, long step, ShardDigest shard) =>
        $"{Header}\nrun {snapshot.Run}\nsequence {snapshot.Sequence}\nrank {rank}\nstep {step}\nshard {shard}\n";
}
