using System.Text.Json;
using Ciuic.Testing;

namespace Ciuic.EndToEnd;

public sealed class DemoTests
{
    [Fact]
    public async Task The_demo_holds_every_point_within_three_minutes()
    {
        using var folder = new TemporaryFolder();
        await using var demo = ProgramRun.Trainer("demo", "--json", "--data", folder.File("demo"));
        Assert.Equal(0, await demo.ExitAsync());
        var text = demo.Text;
        var summary = JsonDocument.Parse(text[text.IndexOf("\n{", StringComparison.Ordinal)..]).RootElement;
        Assert.True(summary.GetProperty("passed").GetBoolean());
        Assert.Equal(7, summary.GetProperty("points").GetArrayLength());
        Assert.InRange(summary.GetProperty("seconds").GetDouble(), 1, 180);
    }

    [Theory]
    [InlineData(2, "not empty", "demo", "--data", ".")]
    [InlineData(10, "no file", "demo", "--text", "/nowhere/text")]
    [InlineData(2, "--nonsense", "demo", "--nonsense")]
    [InlineData(2, "not step:N", "train", "--hold", "never")]
    public async Task Wrong_input_is_one_clear_line_and_its_code(int code, string message, params string[] arguments)
    {
        await using var demo = ProgramRun.Trainer(arguments);
        Assert.Equal(code, await demo.ExitAsync());
        Assert.Contains(message, Assert.Single(demo.Lines));
    }
}
