using Ciuic.Testing;

namespace Ciuic.Storage.Tests;

public sealed class WriteChoiceTests
{
    [Theory]
    [InlineData(DirectWrites.On, true)]
    [InlineData(DirectWrites.Off, false)]
    public void What_is_said_is_done(DirectWrites mode, bool direct) =>
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(direct, new WriteChoice(mode).NextIsDirect()));

    [Theory]
    [InlineData(100, 50, true)] // twice as fast
    [InlineData(100, 90, false)] // not by enough
    [InlineData(100, 300, false)]
    public void The_page_cache_is_kept_to_unless_the_disk_is_clearly_faster_without(int cachedMs, int directMs, bool direct)
    {
        var choice = new WriteChoice(DirectWrites.Auto);
        var chosen = new List<bool>();
        for (var i = 0; i < 320; i++)
        {
            chosen.Add(choice.NextIsDirect());
            choice.Took(chosen[^1], TimeSpan.FromMilliseconds(chosen[^1] ? directMs : cachedMs), 1 << 20);
        }

        Assert.Equal(direct, chosen.Count(c => c) > 160);
        Assert.InRange(chosen.Count(c => c != direct), 10, 12); // the other way is tried again once in a while
    }
}
