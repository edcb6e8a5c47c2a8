using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Core.Tests;

public sealed class NoteTests
{
    [Fact]
    public void Every_public_note_is_judged_right()
    {
        var judged = 0;
        foreach (var vector in Vectors.Read("derived", "notes.json").EnumerateArray())
        {
            var key = VerifierKey.Parse(vector.GetProperty("vkey").GetString()!);
            var bytes = StrictUtf8.Encode(vector.GetProperty("note").GetString()!);
            Assert.Equal(vector.GetProperty("valid").GetBoolean(), Opens(bytes, key));
            Assert.Equal(vector.GetProperty("vkey").GetString(), key.ToString());
            judged++;
        }

        Assert.InRange(judged, 20, int.MaxValue);
    }

    [Fact]
    public void Our_signature_is_that_of_Go()
    {
        var vector = Vectors.Read("derived", "notes.json").EnumerateArray()
            .Single(v => v.TryGetProperty("skey", out _));
        using var key = SigningKey.Parse(vector.GetProperty("skey").GetString()!);
        var note = vector.GetProperty("note").GetString()!;
        var text = note[..(note.LastIndexOf("\n\n", StringComparison.Ordinal) + 1)];
        Assert.Equal(note, StrictUtf8.Decode(SignedNote.Sign(text, key), "note"));
        Assert.Equal(vector.GetProperty("skey").GetString(), key.Export());
    }

    [Fact]
    public void Public_bad_verifier_keys_are_refused()
    {
        foreach (var vector in Vectors.Read("derived", "bad-vkeys.json").EnumerateArray())
            Assert.Throws<InvalidInputException>(() => VerifierKey.Parse(vector.GetProperty("vkey").GetString()!));
    }

    [Fact]
    public void Public_deterministic_signatures_come_out()
    {
        foreach (var vector in Vectors.Read("derived", "ed25519-sign-input.json").EnumerateArray())
        {
            using var key = SigningKey.FromSeed("k", Hex(vector, "seed"));
            Assert.Equal(Hex(vector, "sig"), key.Sign(Hex(vector, "msg")));
        }
    }

    [Fact]
    public void Every_Wycheproof_case_is_judged_right()
    {
        var judged = 0;
        foreach (var group in Vectors.Read("wycheproof", "testvectors_v1", "ed25519_test.json").GetProperty("testGroups").EnumerateArray())
        {
            var key = VerifierKey.Create("k", KeyAlgorithm.Ed25519, Hex(group.GetProperty("publicKey"), "pk"));
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var valid = test.GetProperty("result").GetString() == "valid";
                Assert.True(valid == key.Verify(Hex(test, "msg"), Hex(test, "sig")), test.ToString());
                judged++;
            }
        }

        Assert.InRange(judged, 100, int.MaxValue);
    }

    [Fact]
    public void A_note_by_an_unknown_key_is_not_believed_and_its_line_is_ignored_beside_a_known_one()
    {
        var both = SignedNote.Sign("text\n", TestKeys.Stranger, TestKeys.Blocks);
        Assert.Throws<CorruptException>(() => SignedNote.Open(both, [TestKeys.TreeHead.Verifier]));
        Assert.Equal("text\n", SignedNote.Open(both, [TestKeys.Blocks.Verifier]).Text);
    }

    [Fact]
    public void A_wrong_signature_of_a_known_key_rejects_the_whole_note()
    {
        var good = StrictUtf8.Decode(SignedNote.Sign("text\n", TestKeys.TreeHead), "note");
        var forged = StrictUtf8.Decode(SignedNote.Sign("other\n", TestKeys.Blocks), "note");
        var mixed = good + forged[(forged.IndexOf("\n\n", StringComparison.Ordinal) + 2)..];
        Assert.Throws<CorruptException>(() =>
            SignedNote.Open(StrictUtf8.Encode(mixed), [TestKeys.TreeHead.Verifier, TestKeys.Blocks.Verifier]));
    }

    [Theory]
    [InlineData("no newline")]
    [InlineData("text\n")]
    [InlineData("text\n\n")]
    [InlineData("text\n\n\u2014 a AAAA")]
    [InlineData("text\r\n\n\u2014 a AAAAAAA=\n")]
    [InlineData("text\n\n- a AAAAAAA=\n")]
    [InlineData("text\n\n\u2014 a AAAA\n")]
    [InlineData("text\n\n\u2014 a  AAAAAAAA\n")]
    [InlineData("text\n\n\u2014 a AAAAAAAB\n\n")]
    public void What_is_no_note_is_refused(string text) =>
        Assert.Throws<InvalidInputException>(() => SignedNote.Parse(StrictUtf8.Encode(text)));

    [Fact]
    public void A_note_with_ten_thousand_signature_lines_is_refused()
    {
        var line = "\u2014 a AAAAAAAAAAA=\n";
        Assert.Throws<InvalidInputException>(() =>
            SignedNote.Parse(StrictUtf8.Encode("text\n\n" + string.Concat(Enumerable.Repeat(line, 10_000)))));
    }

    [Fact]
    public void A_signing_key_never_prints_itself()
    {
        Assert.DoesNotContain(StrictBase64.Encode([1, .. Enumerable.Repeat((byte)1, 32)])[..8], TestKeys.TreeHead.ToString());
        var damaged = TestKeys.TreeHead.Export().Replace("+AQ", "+Ag", StringComparison.Ordinal);
        var error = Assert.Throws<InvalidInputException>(() => SigningKey.Parse(damaged));
        Assert.DoesNotContain("AQEB", error.Message);
    }

    [Fact]
    public void The_note_of_keys_is_believed_only_if_a_trusted_key_signed_it()
    {
        var note = TestKeys.Public.Sign(TestKeys.TreeHead);
        Golden.Check("ledger-keys.golden", note);
        Assert.Equal([TestKeys.Blocks.Verifier], LedgerKeys.Open(note, [TestKeys.TreeHead.Verifier]).Blocks);
        Assert.Throws<CorruptException>(() => LedgerKeys.Open(note, [TestKeys.Stranger.Verifier]));
        Assert.Throws<CorruptException>(() => LedgerKeys.OpenUntrusted(TestKeys.Public.Sign(TestKeys.Stranger)));
    }

    private static bool Opens(byte[] bytes, VerifierKey key)
    {
        try
        {
            return SignedNote.Open(bytes, [key]).Text.Length > 0;
        }
        catch (CiuicException)
        {
            return false;
        }
    }

    private static byte[] Hex(System.Text.Json.JsonElement vector, string name) =>
        Convert.FromHexString(vector.GetProperty(name).GetString()!);
}
