using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Ciuic.Endings;

/// <summary>The same in a generic host, beside a service that wants to be stopped in order.</summary>
internal static class HostedProgram
{
    public static async Task RunAsync(IConfiguration settings)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddHostedService<OtherService>();
        builder.Services.AddHostedService(_ => new TrainingService(settings));
        await builder.Build().RunAsync();
        Console.WriteLine("@host ends");
    }

    private sealed class OtherService : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken)
        {
            Console.WriteLine("@other service stops");
            return Task.CompletedTask;
        }
    }

    private sealed class TrainingService(IConfiguration settings) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
            new TrainingProgram(settings).LoopAsync("hosted", TimeSpan.FromMilliseconds(50), CancellationToken.None);
    }
}
