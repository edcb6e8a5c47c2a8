using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Testing;

/// <summary>Keys that are the same in every test run, so that golden files can be.</summary>
public static class TestKeys
{
    public const string Origin = "ciuic.test/ledger";

    public static SigningKey TreeHead { get; } = SigningKey.FromSeed(Origin, Seed(1));

    public static SigningKey Blocks { get; } = SigningKey.FromSeed(Block.KeyNameFor(Origin), Seed(2));

    public static SigningKey Stranger { get; } = SigningKey.FromSeed(Block.KeyNameFor(Origin), Seed(3));

    public static LedgerSigner Signer => NewSigner();

    /// <summary>The keys that a ledger of these tests begins with.</summary>
    public static LedgerKeys Public { get; } = new(Origin, [TreeHead.Verifier], [Blocks.Verifier]);

    /// <summary>A signer with keys of its own: rotations of one test are none of another's.</summary>
    public static LedgerSigner NewSigner() => new(Origin, new MemoryKeys());

    /// <summary>The record of a rotation to another key of the signer's, made where it has none.</summary>
    public static byte[] Rotate(LedgerSigner signer, LedgerKeys keys, KeyRole role)
    {
        var next = signer.Next(role, keys);
        var previous = signer.Find(keys.Active(role));
        var rotation = new KeyRotation
        {
            Origin = Origin,
            Role = role,
            Previous = previous.Verifier,
            Next = next.Verifier,
            At = Samples.Time,
            Actor = "me",
            Reason = "test",
        };
        return rotation.Encode(previous, next);
    }

    /// <summary>Keys in memory; those that rotations make have seeds from 100 on.</summary>
    private sealed class MemoryKeys : ISigningKeys
    {
        private readonly List<SigningKey> _keys = [Blocks, TreeHead];

        public IReadOnlyList<SigningKey> Load()
        {
            lock (_keys)
                return [.. _keys];
        }

        public SigningKey Make(KeyRole role)
        {
            lock (_keys)
            {
                var made = SigningKey.FromSeed(role.KeyName(Origin), Seed((byte)(98 + _keys.Count)));
                _keys.Add(made);
                return made;
            }
        }
    }

    private static byte[] Seed(byte value) => Enumerable.Repeat(value, SigningKey.SeedSize).ToArray();
}
