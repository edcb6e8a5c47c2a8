using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Ciuic.Core.Tests;

/// <summary>Rotation, signatures of trainers, and a second opinion on every signature.</summary>
public sealed class KeyTests
{
    private static readonly SigningKey Next = SigningKey.FromSeed(Block.KeyNameFor(TestKeys.Origin), Seed(50));

    [Fact]
    public void A_rotation_has_the_bytes_it_always_had_and_is_signed_by_both_keys()
    {
        var line = Rotation().Encode(TestKeys.Blocks, Next);
        Golden.Check("record-key.golden", line);
        Assert.Equal(Rotation(), KeyRotation.Decode(Golden.Read("record-key.golden")));
        Assert.Throws<InvalidInputException>(() => KeyRotation.Decode(Rotation().Encode(TestKeys.Stranger, Next)));
        Assert.Throws<InvalidInputException>(() => KeyRotation.Decode(Rotation().Encode(TestKeys.Blocks, TestKeys.Blocks)));
    }

    [Fact]
    public void From_the_next_block_on_only_the_new_key_signs()
    {
        var tip = LedgerTip.Start(TestKeys.Public);
        var block = tip.Next(Samples.Time, [Rotation().Encode(TestKeys.Blocks, Next)]);
        var bytes = block.Sign(TestKeys.Blocks);
        tip = tip.Follow(Block.Open(bytes, [tip.Keys.ActiveBlocks]), bytes);
        Assert.Equal(Next.Verifier, tip.Keys.ActiveBlocks);
        Assert.Equal([TestKeys.Blocks.Verifier, Next.Verifier], tip.Keys.Blocks);
        var old = tip.Next(Samples.Time, [Samples.Record(1).Encode()]).Sign(TestKeys.Blocks);
        Assert.Throws<CorruptException>(() => Block.Open(old, [tip.Keys.ActiveBlocks]));
    }

    [Fact]
    public void A_rotation_that_does_not_begin_with_the_active_key_does_not_belong_there()
    {
        var tip = LedgerTip.Start(TestKeys.Public);
        var strange = (Rotation() with { Previous = TestKeys.Stranger.Verifier }).Encode(TestKeys.Stranger, Next);
        AssertRefused(tip, strange, "signs now");
        var same = (Rotation() with { Next = TestKeys.Blocks.Verifier }).Encode(TestKeys.Blocks, TestKeys.Blocks);
        AssertRefused(tip, same, "both the old and the new key");
        var elsewhere = (Rotation() with { Origin = "elsewhere" }).Encode(TestKeys.Blocks, Next);
        AssertRefused(tip, elsewhere, "does not belong");
        var role = (Rotation() with { Role = KeyRole.TreeHead }).Encode(TestKeys.Blocks, Next);
        AssertRefused(tip, role, "does not belong");
    }

    [Fact]
    public void A_key_that_was_replaced_never_comes_back()
    {
        var keys = TestKeys.Public.After(Rotation());
        var back = Rotation() with { Previous = Next.Verifier, Next = TestKeys.Blocks.Verifier };
        Assert.Contains("brings back", Assert.Throws<CorruptException>(() => keys.After(back)).Message);
    }

    [Fact]
    public void A_trainers_signature_has_the_bytes_it_always_had_and_is_for_one_shard_only()
    {
        using var key = SigningKey.FromSeed("run/sample", Seed(60));
        var (id, shard) = (new SnapshotId(Samples.Run, new Sequence(7)), ShardDigest.Of("shard"u8));
        var bytes = ShardSignature.Sign(id, new Rank(1), 70, shard, key);
        Golden.Check("shard-signature.golden", bytes);
        ShardSignature.Verify(bytes, id, new Rank(1), 70, shard, key.Verifier);
        Assert.Throws<CorruptException>(() => ShardSignature.Verify(bytes, id, new Rank(2), 70, shard, key.Verifier));
        Assert.Throws<CorruptException>(() => ShardSignature.Verify(bytes, id, new Rank(1), 71, shard, key.Verifier));
        Assert.Throws<CorruptException>(() => ShardSignature.Verify(bytes, id, new Rank(1), 70, ShardDigest.Of("x"u8), key.Verifier));
        Assert.Throws<CorruptException>(() => ShardSignature.Verify(bytes, id, new Rank(1), 70, shard, TestKeys.Stranger.Verifier));
        Assert.Throws<CorruptException>(() => ShardSignature.Verify("rubbish"u8, id, new Rank(1), 70, shard, key.Verifier));
    }

    [Fact]
    public void A_manifest_and_its_record_name_the_runs_key()
    {
        using var key = SigningKey.FromSeed("run/sample", Seed(60));
        var manifest = Samples.Manifest(Samples.Run, 7, null, ShardDigest.Of("shard"u8)) with { Signer = key.Verifier };
        var bytes = ManifestCodec.Encode(manifest);
        Golden.Check("root-manifest-signed.golden", bytes);
        var read = ManifestCodec.DecodeManifest(bytes);
        Assert.Equal(key.Verifier, read.Signer);
        var record = LedgerRecord.ForSnapshot(read, ManifestDigest.Of(bytes));
        Assert.Equal(record, LedgerRecord.Decode(record.Encode()));
        Assert.Contains(key.Verifier.Id.ToString("x8"), StrictUtf8.Decode(record.Encode(), "record"));
    }

    /// <summary>BouncyCastle shares no code with libsodium.</summary>
    [Fact]
    public void Another_implementation_makes_and_accepts_the_same_signatures() => Gen.Select(Gen.Byte.Array[32], Gen.Byte.Array[0, 300]).Sample((seed, text) =>
    {
        using var ours = SigningKey.FromSeed("k", seed);
        var theirs = new Ed25519PrivateKeyParameters(seed);
        var signer = new Ed25519Signer();
        signer.Init(true, theirs);
        signer.BlockUpdate(text, 0, text.Length);
        var signature = signer.GenerateSignature();
        Assert.Equal(signature, ours.Sign(text));
        var verifier = VerifierKey.Create("k", KeyAlgorithm.Ed25519, theirs.GeneratePublicKey().GetEncoded());
        Assert.Equal(ours.Verifier, verifier);
        Assert.True(verifier.Verify(text, signature));
        signature[seed[0] % 64] ^= 1;
        Assert.False(verifier.Verify(text, signature));
    }, iter: 200);

    private static KeyRotation Rotation() => new()
    {
        Origin = TestKeys.Origin,
        Role = KeyRole.Blocks,
        Previous = TestKeys.Blocks.Verifier,
        Next = Next.Verifier,
        At = Samples.Time,
        Actor = "me",
        Reason = "yearly",
    };

    private static void AssertRefused(LedgerTip tip, byte[] record, string named)
    {
        var bytes = tip.Next(Samples.Time, [record]).Sign(TestKeys.Blocks);
        var error = Assert.Throws<CorruptException>(() => tip.Follow(Block.Open(bytes, [tip.Keys.ActiveBlocks]), bytes));
        Assert.Contains(named, error.Message);
    }

    private static byte[] Seed(byte value) => Enumerable.Repeat(value, SigningKey.SeedSize).ToArray();
}
