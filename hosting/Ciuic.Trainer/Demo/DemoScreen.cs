using Spectre.Console;

namespace Ciuic.Trainer;

/// <summary>Shows how the demo goes: live on a terminal, plain lines elsewhere or when JSON is asked for.</summary>
internal sealed class DemoScreen(bool json)
{
    private const int PlainEvery = 20;

    private readonly TextWriter _plain = json ? Console.Error : Console.Out;
    private readonly bool _live = !json && !Console.IsOutputRedirected;

    /// <summary>Shows one part of the demo while it runs; the action gets a callback for its latest news.</summary>
    public async Task<T> PartAsync<T>(string title, Func<Action<string>, Task<T>> run)
    {
        if (!_live)
        {
            _plain.WriteLine(title);
            return await run(_ => { });
        }

        return await AnsiConsole.Status().Spinner(Spinner.Known.Dots).StartAsync(
            Markup.Escape(title),
            async status => await run(news => status.Status(Markup.Escape($"{title}  {news}"))));
    }

    /// <summary>Says a finished thing.</summary>
    public void Say(string line)
    {
        if (_live)
            AnsiConsole.WriteLine(line);
        else
            _plain.WriteLine(line);
    }

    /// <summary>News of training, not at every step where each would be a line.</summary>
    public Action<long> Steps(Action<string> news, long steps) => step =>
    {
        news($"step {step} of {steps}");
        if (!_live && step % PlainEvery == 0)
            _plain.WriteLine($"    step {step} of {steps}");
    };
}
