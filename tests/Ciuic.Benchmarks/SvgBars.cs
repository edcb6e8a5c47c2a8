using System.Globalization;
using System.Security;
using System.Text;

namespace Ciuic.Benchmarks;

/// <summary>A plot of bars that lie one below the other, with their names and numbers.</summary>
internal static class SvgBars
{
    private const int Names = 300;
    private const int Width = 420;
    private const int Row = 24;

    public static string Draw(string title, IReadOnlyList<(string Name, double Value)> bars)
    {
        var most = bars.Max(b => b.Value);
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Names + Width + 90}\" height=\"{(bars.Count + 2) * Row}\" font-family=\"sans-serif\" font-size=\"13\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"8\" y=\"{Row - 6}\" font-weight=\"bold\">{SecurityElement.Escape(title)}</text>\n");
        for (var i = 0; i < bars.Count; i++)
        {
            var (y, length) = ((i + 1) * Row, most > 0 ? bars[i].Value / most * Width : 0);
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Names - 8}\" y=\"{y + 16}\" text-anchor=\"end\">{SecurityElement.Escape(bars[i].Name)}</text>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{Names}\" y=\"{y + 3}\" width=\"{Math.Max(1, length):0.0}\" height=\"{Row - 6}\" fill=\"#3b6ea5\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Names + length + 6:0.0}\" y=\"{y + 16}\">{bars[i].Value:#,0.##}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }
}
