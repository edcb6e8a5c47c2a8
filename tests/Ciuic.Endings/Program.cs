using Ciuic.Endings;
using Microsoft.Extensions.Configuration;

// Small training programs that end in the ways in which programs of users do; told apart by their first argument. Settings come from
// the environment.
var settings = new ConfigurationBuilder().AddEnvironmentVariables().Build();
switch (args[0])
{
    case "last-line":
        await new TrainingProgram(settings).SaveOnceAsync();
        break;
    case "exception":
        new TrainingProgram(settings).SaveOnceAsync().GetAwaiter().GetResult();
        new Thread(() => throw new InvalidOperationException("nobody catches this")).Start();
        await Task.Delay(Timeout.Infinite);
        break;
    case "using":
        await new TrainingProgram(settings).SaveAndThrowAsync();
        break;
    case "endless":
        await new TrainingProgram(settings).TrainOnAsync("endless");
        break;
    case "two-runs":
        await Task.WhenAll(new TrainingProgram(settings).LoopAsync("quick", TimeSpan.FromMilliseconds(20)), new TrainingProgram(settings).LoopAsync("slow", TimeSpan.FromSeconds(2)));
        Console.WriteLine("@main ends");
        break;
    case "host":
        await HostedProgram.RunAsync(settings);
        break;
    default:
        await new TrainingProgram(settings).LoopAsync("loop", TimeSpan.FromMilliseconds(50));
        break;
}
