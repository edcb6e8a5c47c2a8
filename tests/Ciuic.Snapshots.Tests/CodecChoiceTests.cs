namespace Ciuic.Snapshots.Tests;

public sealed class CodecChoiceTests
{
    [Theory]
    [InlineData(CodecMode.Raw, 1, 2, 3)]
    [InlineData(CodecMode.Planes, 3, 1, 2)]
    [InlineData(CodecMode.Delta, 3, 2, 1)]
    public void Where_time_comes_first_the_fastest_mode_is_found_and_kept_to(CodecMode fastest, int raw, int planes, int delta)
    {
        var choice = new CodecChoice(new CodecOptions { Mode = CodecMode.Auto, Prefer = CodecPreference.Time });
        var chosen = Save(choice, 100, mode => mode switch { CodecMode.Raw => raw, CodecMode.Planes => planes, _ => delta });
        // The others are tried again once in a while, and every eighth save must stand on its own.
        Assert.InRange(chosen.Count(m => m == fastest), fastest == CodecMode.Delta ? 78 : 90, 98);
    }

    [Fact]
    public void A_link_that_becomes_slow_is_noticed()
    {
        var choice = new CodecChoice(new CodecOptions { Mode = CodecMode.Auto, Prefer = CodecPreference.Time });
        Save(choice, 50, mode => mode == CodecMode.Raw ? 1 : 2);
        Assert.Equal(CodecMode.Delta, Save(choice, 50, mode => mode == CodecMode.Raw ? 10 : mode == CodecMode.Planes ? 8 : 3)[^1]); // not an eighth one
    }

    [Theory]
    [InlineData(CodecMode.Auto, CodecMode.Delta)]
    [InlineData(CodecMode.Raw, CodecMode.Raw)]
    [InlineData(CodecMode.Planes, CodecMode.Planes)]
    public void Where_bytes_come_first_or_a_mode_is_said_it_is_that_one(CodecMode said, CodecMode mode) =>
        Assert.All(Save(new CodecChoice(new CodecOptions { Mode = said }), 40, _ => 1), m => Assert.Equal(mode, m));

    private static List<CodecMode> Save(CodecChoice choice, int count, Func<CodecMode, int> seconds)
    {
        var chosen = new List<CodecMode>();
        for (var i = 0; i < count; i++)
        {
            chosen.Add(choice.Next(mayDiffer: i % 8 != 0));
            choice.Took(chosen[^1], TimeSpan.FromSeconds(seconds(chosen[^1])), 1_000);
        }

        return chosen;
    }
}
