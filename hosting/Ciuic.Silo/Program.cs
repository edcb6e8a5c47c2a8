using Ciuic.Core;
using Ciuic.Silo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(SiloSummary.Help);
    return ExitCode.Ok;
}

try
{
    using var host = await SiloHost.BuildAsync(SiloArguments.Read(args));
    var end = host.Services.GetRequiredService<SiloEnd>();
    await host.RunAsync();
    return end.Error is null ? ExitCode.Ok : throw end.Error;
}
catch (Exception error)
{
    Console.Error.WriteLine($"ciuic silo: {ExitCode.Reason(error)}");
    return ExitCode.For(error);
}
