using Ciuic.Core;
using Ciuic.Silo;
using Microsoft.Extensions.Hosting;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(SiloSummary.Help);
    return ExitCode.Ok;
}

try
{
    using var host = SiloHost.Build(args);
    await host.RunAsync();
    return ExitCode.Ok;
}
catch (CiuicException error)
{
    Console.Error.WriteLine($"ciuic silo: {error.Message}");
    return ExitCode.For(error);
}
