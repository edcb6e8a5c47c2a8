using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Messaging;
using Orleans.Serialization;

namespace Ciuic.Client;

/// <summary>
/// Holds the cluster client. A client that cannot reach any gateway when it starts fails for good, so starting it
/// is tried again with a new one; once started it finds its way back by itself.
/// </summary>
internal sealed class OrleansConnection(ClientOptions options, ILoggerFactory loggers) : IClusterConnection
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _connecting = new(1);
    private IHost? _host;

    public string Address => string.Join(", ", options.Gateways);

    public IGrainFactory? Grains => _host?.Services.GetRequiredService<IClusterClient>();

    public async Task ConnectAsync(CancellationToken cancel)
    {
        await _connecting.WaitAsync(cancel);
        try
        {
            for (var delay = FirstDelay; _host is null; delay = delay < MaxDelay ? delay * 2 : MaxDelay)
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

    public async ValueTask DisposeAsync()
    {
        if (_host is null)
            return;
        await StopAsync(_host);
        _host = null;
    }

    private async Task<bool> TryStartAsync(CancellationToken cancel)
    {
        var host = Build();
        try
        {
            await host.StartAsync(cancel);
            _host = host;
            return true;
        }
        catch (Exception) when (!cancel.IsCancellationRequested)
        {
            await StopAsync(host);
            return false;
        }
    }

    private IHost Build() => new HostBuilder()
        .ConfigureServices(services => services.AddSingleton(loggers))
        .UseOrleansClient(client =>
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
        })
        .Build();

    private static async Task StopAsync(IHost host)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await host.StopAsync(deadline.Token);
        }
        catch (Exception)
        {
            // It never started, or the gateway is gone: there is nothing to say goodbye to.
        }

        host.Dispose();
    }
}
