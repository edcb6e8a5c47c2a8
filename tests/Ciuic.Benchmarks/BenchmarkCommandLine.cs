using System.CommandLine;

namespace Ciuic.Benchmarks;

/// <summary>One command for each benchmark.</summary>
internal static class BenchmarkCommandLine
{
    public static async Task<int> InvokeAsync(string[] args)
    {
        var root = new RootCommand("Benchmarks: everything that is compared is measured in the same run.") { Ledger(), Compare(), Cluster(), Tensors() };
        var parsed = root.Parse(args);
        var code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return parsed.Errors.Count > 0 ? 2 : code;
    }

    private static Command Compare()
    {
        var json = OutputFile("--json", "Writes the figures to this file.");
        var gaps = new Option<long[]>("--gaps")
        {
            Description = "Steps between two snapshots.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [1, 10, 20, 100],
        };
        var repetitions = new Option<int>("--repetitions")
        {
            Description = "Times each figure is taken; the median counts.",
            DefaultValueFactory = _ => 5,
        };
        var warmUp = new Option<long>("--warm-up")
        {
            Description = "Steps trained before the first snapshot.",
            DefaultValueFactory = _ => 200,
        };
        var folder = new Option<string>("--folder")
        {
            Description = "Works below this folder, on the disk that is to be measured.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var size = new Option<long?>("--size")
        {
            Description = "A made-up state of this size, such as 2GiB, instead of a real model.",
            CustomParser = ByteSize.Of,
        };
        var only = new Option<ComparePart[]>("--only")
        {
            Description = "Measures these parts; all of them by default.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => Enum.GetValues<ComparePart>(),
        };
        var page = OutputFile("--report", "Writes a page in Markdown to this file, its plots beside it.");
        var command = new Command("compare", "Saves and restores of a model in training, ours and the peers', on the same bytes.")
        {
            json, page, gaps, repetitions, warmUp, size, only, folder,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var plan = new ComparePlan(
                [.. parsed.GetValue(gaps)!.Order()],
                parsed.GetValue(repetitions),
                parsed.GetValue(warmUp),
                parsed.GetValue(size),
                parsed.GetValue(only)!.ToHashSet(),
                parsed.GetValue(folder)!);
            var report = new BenchmarkReport(Console.Out);
            await new CompareBenchmark(plan, report).RunAsync(cancel);
            if (parsed.GetValue(page) is { } markdown)
                await CompareMarkdown.WriteAsync(markdown, report, cancel);
            if (parsed.GetValue(json) is { } file)
                await report.WriteJsonAsync(file, cancel);
            return 0;
        });
        return command;
    }

    private static Command Ledger()
    {
        var json = OutputFile("--json", "Writes the figures to this file.");
        var seconds = new Option<double>("--seconds")
        {
            Description = "Length of each measurement.",
            DefaultValueFactory = _ => 5,
        };
        var blocks = new Option<int>("--blocks")
        {
            Description = "Length of the ledger that is audited end to end.",
            DefaultValueFactory = _ => 1_000_000,
        };
        var callers = new Option<int[]>("--callers")
        {
            Description = "How many append at once.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [1, 16, 256, 1024],
        };
        var only = new Option<LedgerPart[]>("--only")
        {
            Description = "Measures these parts; all of them by default.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => Enum.GetValues<LedgerPart>(),
        };
        var folder = new Option<string>("--folder")
        {
            Description = "Works below this folder, on the disk that is to be measured.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var command = new Command("ledger", "Group commit, publishing, finality and audit of the ledger, with the machine's limits beside them.")
        {
            json, seconds, blocks, callers, only, folder,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var plan = new LedgerPlan(
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                parsed.GetValue(blocks),
                parsed.GetValue(callers)!,
                parsed.GetValue(only)!.ToHashSet(),
                parsed.GetValue(folder)!);
            var report = new BenchmarkReport(Console.Out);
            await LedgerBenchmark.RunAsync(plan, report, cancel);
            if (parsed.GetValue(json) is { } file)
                await report.WriteJsonAsync(file, cancel);
            return 0;
        });
        return command;
    }

    private static Command Cluster()
    {
        var json = OutputFile("--json", "Writes the figures to this file.");
        var seconds = new Option<double>("--seconds") { Description = "Length of each measurement.", DefaultValueFactory = _ => 10 };
        var runs = new Option<int>("--runs") { Description = "Runs that save at once.", DefaultValueFactory = _ => 64 };
        var commits = new Option<int>("--commits")
        {
            Description = "Commits over which a silo's memory is watched.",
            DefaultValueFactory = _ => 10_000,
        };
        var only = new Option<ClusterPart[]>("--only")
        {
            Description = "Measures these parts; all of them by default.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => Enum.GetValues<ClusterPart>(),
        };
        var folder = new Option<string>("--folder")
        {
            Description = "Works below this folder, on the disk that is to be measured.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var command = new Command("cluster", "Commits on PostgreSQL, S3 beside the SDK alone, verification by several silos, a silo's memory, failover, the HTTP gateway, a list of a thousand snapshots.")
        {
            json, seconds, runs, commits, only, folder,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var plan = new ClusterPlan(
                TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(runs), parsed.GetValue(commits),
                parsed.GetValue(only)!.ToHashSet(), parsed.GetValue(folder)!);
            var report = new BenchmarkReport(Console.Out);
            await ClusterBenchmark.RunAsync(plan, report);
            if (parsed.GetValue(json) is { } file)
                await report.WriteJsonAsync(file, cancel);
            return 0;
        });
        return command;
    }

    private static Command Tensors()
    {
        var json = OutputFile("--json", "Writes the figures to this file.");
        var counts = new Option<int[]>("--counts")
        {
            Description = "Tensors of a state.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [4_000, 100_000],
        };
        var folder = new Option<string>("--folder")
        {
            Description = "Works below this folder, on the disk that is to be measured.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var command = new Command("tensors", "States of thousands of small tensors: microseconds a tensor for everything that is done with them.")
        {
            json, counts, folder,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var report = new BenchmarkReport(Console.Out);
            await TensorsBenchmark.RunAsync(parsed.GetValue(folder)!, parsed.GetValue(counts)!, report);
            if (parsed.GetValue(json) is { } file)
                await report.WriteJsonAsync(file, cancel);
            return 0;
        });
        return command;
    }

    /// <summary>A file that will be written when minutes have passed: whether it can be is known before.</summary>
    private static Option<string?> OutputFile(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description };
        option.Validators.Add(result =>
        {
            try
            {
                var path = Path.GetFullPath(result.Tokens[0].Value);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.OpenWrite(path).Dispose();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
            {
                result.AddError($"{name}: {error.Message}");
            }
        });
        return option;
    }
}
