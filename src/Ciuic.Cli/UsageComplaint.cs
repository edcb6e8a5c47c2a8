using System.CommandLine;
using System.CommandLine.Parsing;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary>What is wrong with a command line: the word that nobody knows, and the one that was meant.</summary>
internal static class UsageComplaint
{
    /// <summary>More letters to change make it another word.</summary>
    private const int MaxDistance = 2;

    /// <summary>Whether there is nothing wrong but that it ends where a command is needed: its help says which there are.</summary>
    public static bool IsOnlyAGroup(ParseResult parsed) =>
        parsed.CommandResult.Command is { Action: null, Subcommands.Count: > 0 } && parsed.UnmatchedTokens.Count == 0;

    /// <summary>Says it in a line.</summary>
    public static string Of(ParseResult parsed)
    {
        var (command, unknown) = (parsed.CommandResult.Command, parsed.UnmatchedTokens);
        if (unknown.Count == 0)
            return $"{Printable.Line(parsed.Errors[0].Message)} ('{PathOf(parsed)} --help' shows what there is)";
        var word = unknown[0];
        var isOption = word.StartsWith('-');
        var kind = isOption ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
        var known = isOption ? command.Options.SelectMany(o => o.Aliases.Prepend(o.Name))
            : command.Subcommands.SelectMany(c => c.Aliases.Prepend(c.Name));
        var meant = known.Where(k => k.StartsWith("--", StringComparison.Ordinal) || !isOption)
            .Select(k => (Name: k, Distance: Distance(k, word)))
            .Where(k => k.Distance <= Math.Min(MaxDistance, k.Name.Length / 2))
            .OrderBy(k => k.Distance)
            .Select(k => k.Name)
            .FirstOrDefault();
        return $"'{Printable.Line(word)}' is no {kind} of '{PathOf(parsed)}'{(meant is null ? "" : $": did you mean {meant}?")} "
            + $"('{PathOf(parsed)} --help' shows what there is)";
    }

    private static string PathOf(ParseResult parsed)
    {
        var names = new List<string>();
        for (var at = parsed.CommandResult; at is not null; at = at.Parent as CommandResult)
            names.Insert(0, at.Command.Name);
        return string.Join(' ', names.Skip(1).Prepend("ciuic"));
    }

    /// <summary>Letters to insert, remove, change or swap.</summary>
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }

        return rows[a.Length, b.Length];
    }
}
