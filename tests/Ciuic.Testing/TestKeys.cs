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

    public static LedgerSigner Signer { get; } = new(Origin, Blocks, TreeHead);

    private static byte[] Seed(byte value) => Enumerable.Repeat(value, SigningKey.SeedSize).ToArray();
}
