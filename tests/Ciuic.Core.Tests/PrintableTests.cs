using System.Text.Json;

namespace Ciuic.Core.Tests;

public sealed class PrintableTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("\u00fcber <100 %> \u65e5\u672c \U0001F600", "\u00fcber <100 %> \u65e5\u672c \U0001F600")]
    [InlineData("\u001b[31mred", "\\u001B[31mred")]
    [InlineData("a\u202eb", "a\\u202Eb")]
    [InlineData("a\u2066b\u200f", "a\\u2066b\\u200F")]
    [InlineData("a\r\nb\tc", "a\\u000D\\u000Ab\\u0009c")]
    [InlineData("\u009b2J", "\\u009B2J")]
    [InlineData("\U000E0041", "\\uDB40\\uDC41")]
    [InlineData(null, "null")]
    public void A_line_shows_what_would_move_the_cursor(string? text, string shown) => Assert.Equal(shown, Printable.Line(text));

    [Theory]
    [InlineData("a\nb\r\nc\td", "a\nb\r\nc\td")]
    [InlineData("over\rwritten", "over\\u000Dwritten")]
    [InlineData("\u0000", "\\u0000")]
    public void A_text_keeps_its_lines(string text, string shown) => Assert.Equal(shown, Printable.Text(text));

    [Fact]
    public void Half_a_character_is_shown_as_such()
    {
        Assert.Equal("\\uD800x", Printable.Line("\ud800x"));
        Assert.Equal("x\\uDC00", Printable.Line("x\udc00"));
    }

    [Fact]
    public void In_JSON_a_program_reads_what_was_there()
    {
        const string label = "a\u202e\u001b\r\n\u2028\U000E0041z";
        var options = new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true };
        var json = Printable.Json(JsonSerializer.Serialize(new { label }, options));
        Assert.DoesNotContain(json, c => c is '\u202e' or '\u001b' or '\u2028');
        Assert.Equal(label, JsonDocument.Parse(json).RootElement.GetProperty("label").GetString());
    }

    [Fact]
    public void What_an_error_quotes_is_printable()
    {
        Assert.Equal("the run \\u001B[2J is gone", new NotFoundException("the run \u001b[2J is gone").Message);
        Assert.Equal("unexpected IOException: \\u001B[2J", ExitCode.Reason(new IOException("\u001b[2J")));
    }
}
