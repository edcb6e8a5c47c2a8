using Ciuic.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Messaging;
using Orleans.Serialization;

namespace Ciuic.Client;

/// <summary>
/// Holds the cluster client. A client that cannot reach any gateway when it starts fails for good, so starting it
/// is tried again with a new one; once started it finds its way back by itself. It has no host of its own: a host takes
/// signals that are the program's, and says so in the program's log.
/// </summary>
internal sealed class OrleansConnection(ClientOptions options, ILoggerFactory loggers) : IClusterConnection
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _connecting = new(1);
    private volatile ServiceProvider? _services;
    private volatile Exception? _problem;

    public string Address => string.Join(", ", options.Gateways);

    public IGrainFactory? Grains => _services?.GetRequiredService<IClusterClient>();

    public async Task ConnectAsync(CancellationToken cancel)
    {
        try
        {
            await _connecting.WaitAsync(cancel);
            try
            {
                for (var delay = FirstDelay; _services is null; delay = delay < MaxDelay ? delay * 2 : MaxDelay)
                {
                    if (!await TryStartAsync(cancel))
                        await Task.Delay(delay, cancel);
                }
            }
            finally
            {
                _connecting.Release();
            }
        }
        catch (OperationCanceledException error) when (_problem is { } problem)
        {
            throw new OperationCanceledException(error.Message, problem, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        var services = _services;
        _services = null;
        if (services is not null)
            await StopAsync(services);
    }

    private async Task<bool> TryStartAsync(CancellationToken cancel)
    {
        var services = Build();
        try
        {
            foreach (var part in services.GetServices<IHostedService>())
                await part.StartAsync(cancel);
            (_services, _problem) = (services, null);
            return true;
        }
        catch (Exception error)
        {
            await StopAsync(services);
            cancel.ThrowIfCancellationRequested();
            _problem = error;
            return false;
        }
    }

    private ServiceProvider Build()
    {
        var services = new ServiceCollection();
        services.AddSingleton(loggers);
        services.AddLogging();
        services.AddOrleansClient(new ConfigurationBuilder().Build(), client =>
        {
            client.Services.AddSingleton<IGatewayListProvider>(
                new NamedGateways(options.Gateways.Select(NamedGateways.Parse).ToList(), LookEvery));
            client.Configure<Orleans.Configuration.ClusterOptions>(o =>
            {
                o.ClusterId = options.ClusterId;
                o.ServiceId = options.ServiceId;
            });
            client.Configure<Orleans.Configuration.GatewayOptions>(o =>
                o.GatewayListRefreshPeriod = LookEvery);
            client.Services.Configure<ExceptionSerializationOptions>(o =>
                o.SupportedNamespacePrefixes.Add("Ciuic"));
        });
        return services.BuildServiceProvider();
    }

    private static async Task StopAsync(ServiceProvider services)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            foreach (var part in services.GetServices<IHostedService>().Reverse())
                await part.StopAsync(deadline.Token);
        }
        catch (Exception)
        {
            // It never started, or the gateway is gone: there is nothing to say goodbye to.
        }

        await services.DisposeAsync();
    }
}
